#include "store/nodes.h"

#include "store/migrate.h"
#include "store/rows.h"

/* The time of the database, in milliseconds since 1970. */
#define SQLITE_NOW "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
#define POSTGRES_NOW "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
/* The statement BEFORE now AFTER, for either engine. */
#define WITH_NOW(db, before, after) db_stmt(db, DB_EITHER(db, before SQLITE_NOW after, before POSTGRES_NOW after))

static bool count_alive(struct db *db, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = WITH_NOW(db, "SELECT COUNT(*) FROM nodes WHERE seen_ms > ", " - $1");
    stmt_int(stmt, 1, NODE_ALIVE_MS);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

bool nodes_beat(struct db *db, const struct node_row *node, int64_t *ret_alive, struct error *reterr) {
    struct stmt *stmt = WITH_NOW(db,
                                 "INSERT INTO nodes (id, name, version, schema, roles, started_ms, seen_ms)"
                                 " VALUES ($1, $2, $3, $4, $5, $6, ",
                                 ") ON CONFLICT (id) DO UPDATE SET seen_ms = excluded.seen_ms");
    stmt_text(stmt, 1, node->id);
    stmt_text(stmt, 2, node->name);
    stmt_text(stmt, 3, node->version);
    stmt_int(stmt, 4, migrate_newest());
    stmt_text(stmt, 5, node->roles);
    stmt_int(stmt, 6, node->started_ms);
    return stmt_run(stmt, NULL, reterr) && count_alive(db, ret_alive, reterr);
}

bool nodes_leave(struct db *db, struct str id, struct error *reterr) {
    return rows_change(db, "DELETE FROM nodes WHERE id = $1", id, reterr);
}

bool nodes_forget_others(struct db *db, struct str id, struct error *reterr) {
    return rows_change(db, "DELETE FROM nodes WHERE id <> $1", id, reterr);
}

bool nodes_forget_silent(struct db *db, struct error *reterr) {
    struct stmt *stmt = WITH_NOW(db, "DELETE FROM nodes WHERE seen_ms < ", " - $1");
    stmt_int(stmt, 1, NODE_KEPT_MS);
    return stmt_run(stmt, NULL, reterr);
}

bool nodes_list(struct db *db, struct arena *arena, struct node_row **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct node_row)};
    struct stmt *stmt = WITH_NOW(db, "SELECT id, name, version, schema, roles, started_ms, seen_ms, still_ms, ",
                                 " - seen_ms FROM nodes ORDER BY name, started_ms, id");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct node_row *node = rows_add(&rows, arena);
        node->id = row_text(stmt, 0, arena);
        node->name = row_text(stmt, 1, arena);
        node->version = row_text(stmt, 2, arena);
        node->schema = stmt_col_int(stmt, 3);
        node->roles = row_text(stmt, 4, arena);
        node->started_ms = stmt_col_int(stmt, 5);
        node->seen_ms = stmt_col_int(stmt, 6);
        node->still_ms = stmt_col_int(stmt, 7);
        node->silent_ms = stmt_col_int(stmt, 8);
    }
    *ret = rows.first;
    *ret_n = rows.n;
    return step == DB_END;
}

bool nodes_be_still(struct db *db, struct str id, int64_t ahead_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE nodes SET still_ms = $2 WHERE id = $1");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, ahead_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool nodes_busy(struct db *db, int64_t ahead_ms, struct arena *arena, struct str *ret, struct error *reterr) {
    struct stmt *stmt =
        WITH_NOW(db, "SELECT name FROM nodes WHERE still_ms <> $1 AND seen_ms > ", " - $2 ORDER BY name LIMIT 1");
    stmt_int(stmt, 1, ahead_ms);
    stmt_int(stmt, 2, NODE_ALIVE_MS);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret = step == DB_ROW ? row_text(stmt, 0, arena) : STR("");
    stmt_done(stmt);
    return true;
}
