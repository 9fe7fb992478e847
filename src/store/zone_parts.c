#include "store/zone_parts.h"

#include "core/state.h"
#include "store/rows.h"

bool zone_part_get(struct db *db, struct str domain_id, enum zone_part part, struct arena *arena,
                   struct zone_part_row *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT published, intended, overwrite FROM zone_parts"
                                    " WHERE domain_id = $1 AND part = $2");
    stmt_text(stmt, 1, domain_id);
    stmt_text(stmt, 2, str_of(zone_part_names[part]));
    *ret = (struct zone_part_row){.exists = false};
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_ROW)
        *ret = (struct zone_part_row){
            .exists = true,
            .published = row_text(stmt, 0, arena),
            .is_begun = !stmt_col_is_null(stmt, 1),
            .begun = row_text(stmt, 1, arena),
            .overwrite = stmt_col_int(stmt, 2) != 0,
        };
    stmt_done(stmt);
    return step != DB_FAIL;
}

static void bind_begun(struct stmt *stmt, int parameter, const struct zone_part_row *row) {
    if (row->is_begun)
        stmt_text(stmt, parameter, row->begun);
    else
        stmt_null(stmt, parameter);
}

static struct stmt *insert(struct db *db) {
    return db_stmt(db, "INSERT INTO zone_parts (domain_id, part, published, intended, overwrite)"
                       " VALUES ($1, $2, $3, $4, 0) ON CONFLICT (domain_id, part) DO NOTHING");
}

static struct stmt *update(struct db *db) {
    return db_stmt(
        db,
        "UPDATE zone_parts SET published = $3, intended = $4,"
        " overwrite = CASE WHEN CAST($4 AS TEXT) IS NULL THEN 0 ELSE overwrite END WHERE domain_id = $1 AND part = $2"
        " AND published = $5 AND intended IS NOT DISTINCT FROM $6");
}

bool zone_part_put(struct db *db, struct str domain_id, enum zone_part part, const struct zone_part_row *seen,
                   const struct zone_part_row *to, bool *ret_stale, struct error *reterr) {
    struct stmt *stmt = seen->exists ? update(db) : insert(db);
    stmt_text(stmt, 1, domain_id);
    stmt_text(stmt, 2, str_of(zone_part_names[part]));
    stmt_text(stmt, 3, to->published);
    bind_begun(stmt, 4, to);
    if (seen->exists) {
        stmt_text(stmt, 5, seen->published);
        bind_begun(stmt, 6, seen);
    }
    int64_t changed = 0;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_stale = !changed;
    return true;
}

bool zone_subject_get(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                      struct zone_subject *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "SELECT id, provider, forwarding <> '', is_pre_warmed FROM domains"
            " WHERE name = $1 AND active = 1 AND workspace_id = $2 AND (state = 'provisioning' OR state = 'ready'"
            " OR state = 'partial')");
    stmt_text(stmt, 1, name);
    stmt_text(stmt, 2, workspace_id);
    if (!row_find(stmt, reterr, "Resource not found")) return false;
    *ret = (struct zone_subject){
        .domain_id = row_text(stmt, 0, arena),
        .domain = arena_str(arena, name),
        .provider = (enum provider)stmt_col_int(stmt, 1),
        .forwards = stmt_col_int(stmt, 2) != 0,
        .has_mail = stmt_col_int(stmt, 3) == 0,
    };
    stmt_done(stmt);
    return true;
}

/* ---- repair ---- */

/* The steps that publish a domain's records, of those that did not end for good. */
#define PUBLISHING "((kind = 'publish_dns' OR kind = 'set_forwarding') AND state <> 'failed' AND state <> 'skipped')"

static bool find_in_use(struct db *db, struct str name, struct arena *arena, struct str *ret_id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT id, state = 'failed' OR state = 'cancelled' FROM domains"
                                    " WHERE name = $1 AND active = 1 AND state <> 'reserved'");
    stmt_text(stmt, 1, name);
    if (!row_find(stmt, reterr, "there is no domain %.*s here", STR_ARG(name))) return false;
    *ret_id = row_text(stmt, 0, arena);
    bool is_over = stmt_col_int(stmt, 1) != 0;
    stmt_done(stmt);
    return !is_over || error_set(reterr, ERR_CONFLICT, "%.*s is not in use any more", STR_ARG(name));
}

/* All their rows are held, so that none is claimed meanwhile. */
bool zone_parts_publishing(struct db *db, struct str domain_id, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT state FROM steps WHERE domain_id = $1 AND " PUBLISHING
                                    " ORDER BY kind /*pg FOR NO KEY UPDATE*/");
    stmt_text(stmt, 1, domain_id);
    enum db_step step;
    bool is_publishing = false;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        is_publishing |= row_word(stmt, 0, step_state_names, STEP_STATE_END) == STEP_RUNNING;
    *ret = is_publishing;
    return step == DB_END;
}

/* Whoever publishes now has looked already: he would not use a leave that is written down meanwhile, and it would lie
 * there for a change by hand that nobody has seen yet. */
static bool refuse_running(struct db *db, struct str id, struct str name, struct error *reterr) {
    bool is_publishing;
    if (!zone_parts_publishing(db, id, &is_publishing, reterr)) return false;
    return !is_publishing ||
           error_set(reterr, ERR_UNAVAILABLE, "the server is publishing records of %.*s at this moment: try again",
                     STR_ARG(name));
}

bool zone_parts_repair(struct db *db, struct str name, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct str id = STR("");
    if (!find_in_use(db, name, arena, &id, reterr) || !refuse_running(db, id, name, reterr)) return false;
    struct stmt *stmt = db_stmt(
        db, "INSERT INTO zone_parts (domain_id, part, published, intended, overwrite)"
            " SELECT domain_id, CASE kind WHEN 'publish_dns' THEN 'mail' ELSE 'web' END, '', NULL, 1 FROM steps"
            " WHERE domain_id = $1 AND " PUBLISHING " ON CONFLICT (domain_id, part) DO UPDATE SET overwrite = 1");
    int64_t n_parts;
    stmt_text(stmt, 1, id);
    if (!stmt_run(stmt, &n_parts, reterr)) return false;
    if (!n_parts) return error_set(reterr, ERR_CONFLICT, "dfyd does not publish the records of %.*s", STR_ARG(name));
    stmt = db_stmt(db, "UPDATE steps SET state = 'due', due_ms = $2 WHERE domain_id = $1 AND " PUBLISHING
                       " AND (state = 'done' OR state = 'retrying' OR state = 'due')");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* ---- all of them ---- */

enum { BETWEEN_MS = 20 };

bool zone_parts_publish_all(struct db *db, int64_t now_ms, int64_t *ret_n, struct error *reterr) {
#define IN_USE                                                                                                         \
    " FROM steps s JOIN domains d ON d.id = s.domain_id WHERE d.active = 1 AND (d.state = 'ready' OR d.state = "       \
    "'partial') AND (s.kind = 'publish_dns' OR s.kind = 'set_forwarding') AND s.state = 'done'"
    struct stmt *stmt = db_stmt(db, "SELECT COUNT(DISTINCT s.domain_id)" IN_USE);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret_n = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    stmt = db_stmt(
        db, "UPDATE steps SET state = 'due', due_ms = $1 + $2 * n FROM (SELECT s.domain_id AS id, s.kind AS what,"
            " DENSE_RANK() OVER (ORDER BY s.domain_id) - 1 AS n" IN_USE ") t"
            " WHERE domain_id = t.id AND kind = t.what");
    stmt_int(stmt, 1, now_ms);
    stmt_int(stmt, 2, BETWEEN_MS);
    return stmt_run(stmt, NULL, reterr);
}
