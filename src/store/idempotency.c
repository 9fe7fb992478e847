#include "store/idempotency.h"

#include <string.h>

#include "store/rows.h"

/* An order that is reserved ends its key itself, whoever died. */
static bool take_over(struct db *db, const struct idempotency_claim *claim, struct str hash, bool *ret,
                      struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE idempotency_keys SET body_hash = $3, updated_ms = $4 WHERE workspace_id = $1"
                    " AND idempotency_key = $2 AND state = 'running' AND NOT EXISTS (SELECT 1 FROM orders o"
                    " WHERE o.state = 'reserved' AND o.workspace_id = $1 AND o.idempotency_key = $2)");
    stmt_text(stmt, 1, claim->workspace_id);
    stmt_text(stmt, 2, claim->key);
    stmt_blob(stmt, 3, hash);
    stmt_int(stmt, 4, claim->now_ms);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret = changed > 0;
    return true;
}

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
    stmt = db_stmt(db, "SELECT body_hash, state = 'done', answer, updated_ms FROM idempotency_keys"
                       " WHERE workspace_id = $1 AND idempotency_key = $2");
    stmt_text(stmt, 1, claim->workspace_id);
    stmt_text(stmt, 2, claim->key);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_END) return error_set(reterr, ERR_INTERNAL, "an idempotency key is there and not there");
    bool is_same = str_eq(stmt_col_text(stmt, 0), hash), is_done = stmt_col_int(stmt, 1) != 0;
    int64_t updated_ms = stmt_col_int(stmt, 3);
    if (is_same && is_done) *ret_answer = row_text(stmt, 2, arena);
    stmt_done(stmt);
    bool taken = false;
    if (!is_done && updated_ms <= claim->now_ms - claim->dead_after_ms && !take_over(db, claim, hash, &taken, reterr))
        return false;
    *ret = taken      ? IDEMPOTENCY_NEW
           : !is_same ? IDEMPOTENCY_OTHER_BODY
           : is_done  ? IDEMPOTENCY_DONE
                      : IDEMPOTENCY_RUNNING;
    return true;
}

/* The key while it is held as HOLD says, which are $1 to $3. */
#define HELD " WHERE workspace_id = $1 AND idempotency_key = $2 AND state = 'running' AND ($3 = 0 OR updated_ms = $3)"

static struct stmt *held(struct stmt *stmt, const struct idempotency_hold *hold) {
    stmt_text(stmt, 1, hold->workspace_id);
    stmt_text(stmt, 2, hold->key);
    stmt_int(stmt, 3, hold->claimed_ms);
    return stmt;
}

bool idempotency_is_held(struct db *db, const struct idempotency_hold *hold, bool *ret, struct error *reterr) {
    struct stmt *stmt = held(db_stmt(db, "SELECT 1 FROM idempotency_keys" HELD), hold);
    enum db_step step = stmt_step(stmt, reterr);
    stmt_done(stmt);
    *ret = step == DB_ROW;
    return step != DB_FAIL;
}

bool idempotency_store(struct db *db, const struct idempotency_hold *hold, struct str answer, int64_t now_ms,
                       bool *ret_held, struct error *reterr) {
    struct stmt *stmt =
        held(db_stmt(db, "UPDATE idempotency_keys SET state = 'done', answer = $4, updated_ms = $5" HELD), hold);
    stmt_text(stmt, 4, answer);
    stmt_int(stmt, 5, now_ms);
    if (!ret_held) return stmt_queue(stmt, reterr);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_held = changed > 0;
    return true;
}

bool idempotency_drop(struct db *db, const struct idempotency_hold *hold, struct error *reterr) {
    return stmt_queue(held(db_stmt(db, "DELETE FROM idempotency_keys" HELD), hold), reterr);
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
