#include "store/audit.h"

#include "store/rows.h"

const char *const activity_names[ACTIVITY_END] = {
    [ACTIVITY_ORDER_PLACED] = "order_placed",
    [ACTIVITY_ACCOUNTS_CANCELLED] = "accounts_cancelled",
    [ACTIVITY_FORWARDING_SET] = "forwarding_set",
    [ACTIVITY_FORWARDING_REMOVED] = "forwarding_removed",
    [ACTIVITY_DOMAIN_RETRIED] = "domain_retried",
    [ACTIVITY_DOMAIN_REPAIRED] = "domain_repaired",
    [ACTIVITY_DOMAIN_CHECKED] = "domain_checked",
    [ACTIVITY_DOMAIN_SWAPPED] = "domain_swapped",
    [ACTIVITY_KEY_CREATED] = "key_created",
    [ACTIVITY_KEY_REVOKED] = "key_revoked",
    [ACTIVITY_WORKSPACE_CHANGED] = "workspace_changed",
    [ACTIVITY_WEBHOOK_CREATED] = "webhook_created",
    [ACTIVITY_WEBHOOK_CHANGED] = "webhook_changed",
    [ACTIVITY_WEBHOOK_REMOVED] = "webhook_removed",
    [ACTIVITY_PRICE_SET] = "price_set",
    [ACTIVITY_PRICE_ENDED] = "price_ended",
    [ACTIVITY_PROMOTION_ADDED] = "promotion_added",
    [ACTIVITY_PROMOTION_ENDED] = "promotion_ended",
    [ACTIVITY_INVENTORY_ADDED] = "inventory_added",
    [ACTIVITY_INVENTORY_REMOVED] = "inventory_removed",
    [ACTIVITY_WORK_RETRIED] = "work_retried",
    [ACTIVITY_PASSWORD_SHOWN] = "password_shown",
    [ACTIVITY_SIGNED_IN] = "signed_in",
    [ACTIVITY_SIGNED_OUT] = "signed_out",
    [ACTIVITY_WORKSPACE_CREATED] = "workspace_created",
    [ACTIVITY_CARD_SET] = "card_set",
    [ACTIVITY_CARD_REMOVED] = "card_removed",
    [ACTIVITY_WEBHOOK_SECRET_ROTATED] = "webhook_secret_rotated",
    [ACTIVITY_REFUND_MADE] = "refund_made",
    [ACTIVITY_INVOICE_PAID] = "invoice_paid",
    [ACTIVITY_RESTRICTION_SET] = "restriction_set",
    [ACTIVITY_RESTRICTION_REMOVED] = "restriction_removed",
    [ACTIVITY_DKIM_ROTATED] = "dkim_rotated",
    [ACTIVITY_RECORDS_PUBLISHED] = "records_published",
};

const int activity_types[ACTIVITY_END] = {
    [ACTIVITY_ORDER_PLACED] = 6,       /* account addition */
    [ACTIVITY_ACCOUNTS_CANCELLED] = 7, /* account deletion */
    [ACTIVITY_FORWARDING_SET] = 36,    /* account update */
    [ACTIVITY_FORWARDING_REMOVED] = 36,
    [ACTIVITY_DOMAIN_SWAPPED] = 36,
    [ACTIVITY_DOMAIN_RETRIED] = 36,
    [ACTIVITY_DOMAIN_REPAIRED] = 36,
    [ACTIVITY_DOMAIN_CHECKED] = 36,
    [ACTIVITY_KEY_CREATED] = 37,
    [ACTIVITY_KEY_REVOKED] = 38,
    [ACTIVITY_WORKSPACE_CHANGED] = 40, /* what it means is not published; nothing
                                          else fits */
    [ACTIVITY_WEBHOOK_CREATED] = 18,
    [ACTIVITY_WEBHOOK_CHANGED] = 19,
    [ACTIVITY_WEBHOOK_REMOVED] = 19,
    [ACTIVITY_WEBHOOK_SECRET_ROTATED] = 19,
    [ACTIVITY_DKIM_ROTATED] = 36,
    [ACTIVITY_RECORDS_PUBLISHED] = 36,
    /* Of the operator's nothing is published, either. */
    [ACTIVITY_PRICE_SET] = 40,
    [ACTIVITY_PRICE_ENDED] = 40,
    [ACTIVITY_PROMOTION_ADDED] = 40,
    [ACTIVITY_PROMOTION_ENDED] = 40,
    [ACTIVITY_INVENTORY_ADDED] = 40,
    [ACTIVITY_INVENTORY_REMOVED] = 40,
    [ACTIVITY_WORK_RETRIED] = 40,
    [ACTIVITY_REFUND_MADE] = 40,
    [ACTIVITY_INVOICE_PAID] = 40,
    [ACTIVITY_RESTRICTION_SET] = 40,
    [ACTIVITY_RESTRICTION_REMOVED] = 40,
    [ACTIVITY_WORKSPACE_CREATED] = 40,
    [ACTIVITY_CARD_SET] = 40,
    [ACTIVITY_CARD_REMOVED] = 40,
    [ACTIVITY_PASSWORD_SHOWN] = 40, /* nothing fits */
    [ACTIVITY_SIGNED_IN] = 1,       /* user login */
    [ACTIVITY_SIGNED_OUT] = 40,     /* nothing fits */
};

bool audit_add(struct db *db, const struct audit_record *record, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO audit_logs (id, workspace_id, at_ms, activity, key_id, address,"
                                    " user_agent, affected, detail, activity_type)"
                                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    stmt_text(stmt, 1, record->id);
    stmt_text(stmt, 2, record->workspace_id);
    stmt_int(stmt, 3, record->now_ms);
    stmt_text(stmt, 4, str_of(activity_names[record->activity]));
    stmt_text(stmt, 5, record->actor.key_id);
    stmt_text(stmt, 6, record->actor.address);
    stmt_text(stmt, 7, record->actor.user_agent);
    stmt_int(stmt, 8, record->affected);
    stmt_text(stmt, 9, record->detail);
    stmt_int(stmt, 10, activity_types[record->activity]);
    return stmt_queue(stmt, reterr);
}

/* Where the page before ended; false in *ret_found when it is no record of the workspace. */
static bool find_end(struct db *db, const struct audit_query *query, int64_t *ret_ms, bool *ret_found,
                     struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT at_ms FROM audit_logs WHERE id = $1 AND workspace_id = $2");
    stmt_text(stmt, 1, query->before);
    stmt_text(stmt, 2, query->workspace_id);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret_found = step == DB_ROW;
    if (step == DB_ROW) {
        *ret_ms = stmt_col_int(stmt, 0);
        stmt_done(stmt);
    }
    return true;
}

#define COLUMNS "SELECT id, at_ms, activity, activity_type, key_id, address, user_agent, affected, detail"
#define RANGE " at_ms >= $2 AND at_ms <= $3 AND (at_ms, id) < ($4, $5)"
#define SEARCH                                                                                                         \
    " AND ($6 = '' OR LOWER(activity || ' ' || key_id || ' ' || address || ' ' || user_agent || ' ' || detail)"        \
    " LIKE $6 ESCAPE '\\')"
#define ORDER " ORDER BY at_ms DESC, id DESC LIMIT $7"

static struct audit_row read_row(struct stmt *stmt, struct arena *arena) {
    return (struct audit_row){
        .id = row_text(stmt, 0, arena),
        .at_ms = stmt_col_int(stmt, 1),
        .activity = row_text(stmt, 2, arena),
        .type = stmt_col_int(stmt, 3),
        .key_id = row_text(stmt, 4, arena),
        .address = row_text(stmt, 5, arena),
        .user_agent = row_text(stmt, 6, arena),
        .affected = stmt_col_int(stmt, 7),
        .detail = row_text(stmt, 8, arena),
    };
}

bool audit_page(struct db *db, const struct audit_query *query, struct arena *arena, struct audit_row **ret,
                size_t *ret_n, struct error *reterr) {
    *ret = NULL;
    *ret_n = 0;
    int64_t end_ms = INT64_MAX;
    bool found = true;
    if (query->before.n && !find_end(db, query, &end_ms, &found, reterr)) return false;
    if (!found) return true;
    struct stmt *stmt =
        query->has_type
            ? db_stmt(db,
                      COLUMNS " FROM audit_logs WHERE workspace_id = $1 AND activity_type = $8 AND" RANGE SEARCH ORDER)
            : db_stmt(db, COLUMNS " FROM audit_logs WHERE workspace_id = $1 AND" RANGE SEARCH ORDER);
    stmt_text(stmt, 1, query->workspace_id);
    stmt_int(stmt, 2, query->from_ms);
    stmt_int(stmt, 3, query->to_ms < end_ms ? query->to_ms : end_ms);
    stmt_int(stmt, 4, end_ms);
    stmt_text(stmt, 5, query->before);
    stmt_text(stmt, 6, row_like(query->search, arena));
    stmt_int(stmt, 7, (int64_t)query->limit);
    if (query->has_type) stmt_int(stmt, 8, query->type);
    struct rows rows = {.size = sizeof(struct audit_row)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct audit_row *)rows_add(&rows, arena) = read_row(stmt, arena);
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

/* $1 to $4: the id before, a pattern, an activity, how many. */
#define PAGE_OF                                                                                                        \
    "SELECT l.id, l.at_ms, l.activity, l.activity_type, l.key_id, l.address, l.user_agent, l.affected, l.detail,"      \
    " l.workspace_id, w.name, COALESCE(k.name, '') FROM audit_logs l LEFT JOIN workspaces w ON w.id = l.workspace_id"  \
    " LEFT JOIN api_keys k ON k.id = l.key_id WHERE l.id < $1 AND ($2 = '' OR"                                         \
    " LOWER(w.name || ' ' || l.activity || ' ' || l.key_id || ' ' || COALESCE(k.name, '') || ' ' || l.address ||"      \
    " ' ' || l.user_agent || ' ' || l.detail) LIKE $2 ESCAPE '\\') AND ($3 = '' OR l.activity = $3)"
#define NEWEST_FIRST " ORDER BY l.id DESC LIMIT $4"

bool audit_page_of_all(struct db *db, const struct audit_query_of *query, struct arena *arena,
                       struct audit_row_of **ret, size_t *ret_n, struct error *reterr) {
    struct stmt *stmt = query->workspace_id.n ? db_stmt(db, PAGE_OF " AND l.workspace_id = $5" NEWEST_FIRST)
                                              : db_stmt(db, PAGE_OF NEWEST_FIRST);
    stmt_text(stmt, 1, rows_before(query->before));
    stmt_text(stmt, 2, row_like(query->search, arena));
    stmt_text(stmt, 3, query->activity);
    stmt_int(stmt, 4, (int64_t)query->limit);
    if (query->workspace_id.n) stmt_text(stmt, 5, query->workspace_id);
    struct rows rows = {.size = sizeof(struct audit_row_of)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct audit_row_of *)rows_add(&rows, arena) = (struct audit_row_of){
            .row = read_row(stmt, arena),
            .workspace_id = row_text(stmt, 9, arena),
            .workspace = row_text(stmt, 10, arena),
            .key_name = row_text(stmt, 11, arena),
        };
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}
