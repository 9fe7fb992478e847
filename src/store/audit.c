#include "store/audit.h"

const char *const activity_names[ACTIVITY_END] = {
    [ACTIVITY_ORDER_PLACED] = "order_placed",
    [ACTIVITY_ACCOUNTS_CANCELLED] = "accounts_cancelled",
    [ACTIVITY_FORWARDING_SET] = "forwarding_set",
    [ACTIVITY_FORWARDING_REMOVED] = "forwarding_removed",
    [ACTIVITY_KEY_CREATED] = "key_created",
    [ACTIVITY_KEY_REVOKED] = "key_revoked",
    [ACTIVITY_WORKSPACE_CHANGED] = "workspace_changed",
    [ACTIVITY_WEBHOOK_CREATED] = "webhook_created",
    [ACTIVITY_WEBHOOK_CHANGED] = "webhook_changed",
    [ACTIVITY_WEBHOOK_REMOVED] = "webhook_removed",
};

bool audit_add(struct db *db, const struct audit_record *record, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO audit_logs (id, workspace_id, at_ms, activity, key_id, address,"
                                    " user_agent, affected, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    stmt_text(stmt, 1, record->id);
    stmt_text(stmt, 2, record->workspace_id);
    stmt_int(stmt, 3, record->now_ms);
    stmt_text(stmt, 4, str_of(activity_names[record->activity]));
    stmt_text(stmt, 5, record->actor.key_id);
    stmt_text(stmt, 6, record->actor.address);
    stmt_text(stmt, 7, record->actor.user_agent);
    stmt_int(stmt, 8, record->affected);
    stmt_text(stmt, 9, record->detail);
    return stmt_run(stmt, NULL, reterr);
}
