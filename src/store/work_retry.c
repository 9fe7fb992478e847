/* What an operator can do about work that is stuck. */
#include "core/state.h"
#include "store/refunds.h"
#include "store/renewals.h"
#include "store/rows.h"
#include "store/webhooks.h"
#include "store/work.h"
#include "store/zone_parts.h"

static bool unknown(struct error *reterr) {
    return error_set(reterr, ERR_NOT_FOUND, "Resource not found");
}

/* Whose it is, by SQL, which names it $1. */
static bool find_owner(struct db *db, const char *sql, struct str id, struct arena *arena, struct str *ret,
                       struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    stmt_text(stmt, 1, id);
    if (!row_find(stmt, reterr, "Resource not found")) return false;
    *ret = row_text(stmt, 0, arena);
    stmt_done(stmt);
    return true;
}

/* ID is DOMAIN/ACCOUNT/KIND. A step that a worker is at is left to it. */
static bool retry_step(struct db *db, struct str id, int64_t now_ms, struct arena *arena, struct str *ret_owner,
                       struct error *reterr) {
    struct str rest, kind, domain_id = str_cut(id, '/', &rest), account_id = str_cut(rest, '/', &kind);
    struct stmt *stmt =
        db_stmt(db, "SELECT workspace_id, state FROM steps WHERE domain_id = $1 AND account_id = $2 AND kind = $3");
    stmt_text(stmt, 1, domain_id);
    stmt_text(stmt, 2, account_id);
    stmt_text(stmt, 3, kind);
    if (!row_find(stmt, reterr, "Resource not found")) return false;
    *ret_owner = row_text(stmt, 0, arena);
    enum step_state state = (enum step_state)row_word(stmt, 1, step_state_names, STEP_STATE_END);
    stmt_done(stmt);
    if (state != STEP_RETRYING)
        return error_set(reterr, ERR_CONFLICT, "The step is %s by now: it does not wait for another try",
                         step_state_names[state]);
    stmt = db_stmt(db, "UPDATE steps SET due_ms = CASE WHEN due_ms > $4 THEN $4 ELSE due_ms END"
                       " WHERE domain_id = $1 AND account_id = $2 AND kind = $3 AND state = 'retrying'");
    stmt_text(stmt, 1, domain_id);
    stmt_text(stmt, 2, account_id);
    stmt_text(stmt, 3, kind);
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* One without a try and a reason may just be being charged: it is left to who does. */
static bool retry_order(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "UPDATE orders SET settle_after_ms = CASE WHEN settle_after_ms > $2 THEN $2 ELSE settle_after_ms END"
            " WHERE id = $1 AND state = 'reserved' AND (attempts > 0 OR reason <> '')");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, now_ms);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    return changed || error_set(reterr, ERR_CONFLICT, "Nobody waits to ask about this order's charge");
}

static bool resume_webhook(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT status FROM webhooks WHERE id = $1");
    stmt_text(stmt, 1, id);
    if (!row_find(stmt, reterr, "Resource not found")) return false;
    bool is_on = stmt_col_int(stmt, 0) == 1;
    stmt_done(stmt);
    if (is_on) return error_set(reterr, ERR_CONFLICT, "The webhook is switched on");
    return webhook_resume(db, id, now_ms, reterr);
}

#define OWNER_OF(table) "SELECT workspace_id FROM " table " WHERE id = $1"

bool work_retry(struct db *db, enum work_kind kind, struct str id, int64_t now_ms, struct arena *arena,
                struct str *ret_workspace_id, struct error *reterr) {
    switch (kind) {
    case WORK_STEP:
        return retry_step(db, id, now_ms, arena, ret_workspace_id, reterr);
    case WORK_ORDER:
        return find_owner(db, OWNER_OF("orders"), id, arena, ret_workspace_id, reterr) &&
               retry_order(db, id, now_ms, reterr);
    case WORK_RENEWAL:
        return find_owner(db, OWNER_OF("renewals"), id, arena, ret_workspace_id, reterr) &&
               renewal_retry(db, id, now_ms, reterr);
    case WORK_REFUND:
        return find_owner(db, OWNER_OF("refunds"), id, arena, ret_workspace_id, reterr) &&
               refund_retry(db, id, now_ms, reterr);
    case WORK_WEBHOOK:
        return find_owner(db, OWNER_OF("webhooks"), id, arena, ret_workspace_id, reterr) &&
               resume_webhook(db, id, now_ms, reterr);
    case WORK_DOMAIN:
        return find_owner(db, "SELECT workspace_id FROM domains WHERE name = $1 AND active = 1", id, arena,
                          ret_workspace_id, reterr) &&
               zone_parts_repair(db, id, now_ms, reterr);
    case WORK_KIND_END:
        break;
    }
    return unknown(reterr);
}
