#include "store/restrictions.h"

#include "store/rows.h"

bool restrictions_version(struct db *db, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COALESCE(MAX(version), 1) FROM restrictions_version");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

bool restrictions_list(struct db *db, struct arena *arena, struct restriction **ret, int64_t **ret_created_ms,
                       size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct restriction)}, times = {.size = sizeof(int64_t)};
    struct stmt *stmt = db_stmt(db, "SELECT entry, workspace_id, is_allowed, created_ms FROM restrictions"
                                    " ORDER BY entry, workspace_id");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        *(struct restriction *)rows_add(&rows, arena) = (struct restriction){
            .entry = row_text(stmt, 0, arena),
            .workspace_id = row_text(stmt, 1, arena),
            .is_allowed = stmt_col_int(stmt, 2) != 0,
        };
        *(int64_t *)rows_add(&times, arena) = stmt_col_int(stmt, 3);
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    if (ret_created_ms) *ret_created_ms = times.first;
    *ret_n = rows.n;
    return true;
}

static bool count_up(struct db *db, struct error *reterr) {
    db_touch_identities(db);
    return stmt_run(db_stmt(db, "UPDATE restrictions_version SET version = version + 1"), NULL, reterr);
}

bool restrictions_set(struct db *db, const struct restriction *restriction, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO restrictions (entry, workspace_id, is_allowed, created_ms)"
                                    " VALUES ($1, $2, $3, $4) ON CONFLICT (entry, workspace_id) DO UPDATE SET"
                                    " is_allowed = excluded.is_allowed, created_ms = excluded.created_ms");
    stmt_text(stmt, 1, restriction->entry);
    stmt_text(stmt, 2, restriction->workspace_id);
    stmt_int(stmt, 3, restriction->is_allowed);
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr) && count_up(db, reterr);
}

bool restrictions_remove(struct db *db, struct str entry, struct str workspace_id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "DELETE FROM restrictions WHERE entry = $1 AND workspace_id = $2");
    stmt_text(stmt, 1, entry);
    stmt_text(stmt, 2, workspace_id);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    if (!changed)
        return error_set(reterr, ERR_NOT_FOUND, "there is no entry \"%.*s\" %s; `dfyd restrict list` shows them",
                         STR_ARG(entry), workspace_id.n ? "for this workspace" : "for everyone");
    return count_up(db, reterr);
}
