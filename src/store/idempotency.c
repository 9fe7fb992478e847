#include "store/idempotency.h"

#include <string.h>

#include "store/rows.h"

bool idempotency_claim(struct db *db, const struct idempotency_claim *claim, struct arena *arena, enum idempotency *ret,
                       struct str *ret_answer, struct error *reterr) {
    *ret_answer = STR("");
    const struct str hash = {(const char *)claim->body_hash, IDEMPOTENCY_HASH};
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO idempotency_keys (workspace_id, idempotency_key, body_hash, state, answer, updated_ms)"
                    " VALUES ($1, $2, $3, 'running', '', $4) ON CONFLICT (workspace_id, idempotency_key) DO NOTHING");
    stmt_text(stmt, 1, claim->workspace_id);
    stmt_text(stmt, 2, claim->key);
    stmt_blob(stmt, 3, hash);
    stmt_int(stmt, 4, claim->now_ms);
    int64_t added;
    if (!stmt_run(stmt, &added, reterr)) return false;
    if (added) {
        *ret = IDEMPOTENCY_NEW;
        return true;
    }
    stmt = db_stmt(db, "SELECT body_hash, state = 'done', answer FROM idempotency_keys"
                       " WHERE workspace_id = $1 AND idempotency_key = $2");
    stmt_text(stmt, 1, claim->workspace_id);
    stmt_text(stmt, 2, claim->key);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_END) return error_set(reterr, ERR_INTERNAL, "an idempotency key is there and not there");
    if (!str_eq(stmt_col_text(stmt, 0), hash)) {
        *ret = IDEMPOTENCY_OTHER_BODY;
    } else if (stmt_col_int(stmt, 1)) {
        *ret = IDEMPOTENCY_DONE;
        *ret_answer = row_text(stmt, 2, arena);
    } else {
        *ret = IDEMPOTENCY_RUNNING;
    }
    stmt_done(stmt);
    return true;
}

bool idempotency_store(struct db *db, struct str workspace_id, struct str key, struct str answer, int64_t now_ms,
                       struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE idempotency_keys SET state = 'done', answer = $3, updated_ms = $4"
                                    " WHERE workspace_id = $1 AND idempotency_key = $2 AND state = 'running'");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, key);
    stmt_text(stmt, 3, answer);
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool idempotency_drop(struct db *db, struct str workspace_id, struct str key, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "DELETE FROM idempotency_keys WHERE workspace_id = $1 AND idempotency_key = $2 AND state = 'running'");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, key);
    return stmt_run(stmt, NULL, reterr);
}

bool idempotency_free_orphans(struct db *db, struct error *reterr) {
    return stmt_run(
        db_stmt(db, "DELETE FROM idempotency_keys WHERE state = 'running' AND NOT EXISTS (SELECT 1 FROM orders o"
                    " WHERE o.state = 'reserved' AND o.workspace_id = idempotency_keys.workspace_id"
                    " AND o.idempotency_key = idempotency_keys.idempotency_key)"),
        NULL, reterr);
}

bool idempotency_expire(struct db *db, int64_t before_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "DELETE FROM idempotency_keys WHERE state = 'done' AND updated_ms < $1");
    stmt_int(stmt, 1, before_ms);
    return stmt_run(stmt, NULL, reterr);
}
