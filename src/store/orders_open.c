/* The orders that wait for their charge to be known, and what people look at. */
#include "store/orders.h"
#include "store/rows.h"

static bool lease(struct db *db, const struct unsettled *orders, size_t n, int64_t until_ms, struct arena *arena,
                  struct error *reterr) {
    struct str *ids = ARENA_ARRAY(arena, n, struct str);
    for (size_t i = 0; i < n; i++) ids[i] = orders[i].id;
    struct stmt *stmt = db_stmt(db, "UPDATE orders SET settle_after_ms = $2 WHERE state = 'reserved'"
                                    " AND id IN (SELECT value FROM list($1))");
    stmt_list(stmt, 1, ids, n);
    stmt_int(stmt, 2, until_ms);
    return stmt_queue(stmt, reterr);
}

bool order_claim_unsettled(struct db *db, int64_t now_ms, bool even_fresh, int64_t lease_until_ms, size_t max,
                           struct arena *arena, struct unsettled **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct unsettled)};
    struct stmt *stmt = db_stmt(db, "SELECT id, workspace_id, attempts, amount, card_token, payment_driver,"
                                    " checkout_reference, created_ms, checkout_expires_ms FROM orders"
                                    " WHERE state = 'reserved' AND settle_after_ms <= $1 AND"
                                    " ($3 = 0 OR checkout_reference = '')"
                                    " ORDER BY settle_after_ms, id LIMIT $2 /*pg FOR NO KEY UPDATE SKIP LOCKED*/");
    stmt_int(stmt, 1, even_fresh ? INT64_MAX : now_ms);
    stmt_int(stmt, 2, (int64_t)max);
    stmt_int(stmt, 3, even_fresh);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct unsettled *row = rows_add(&rows, arena);
        row->id = row_text(stmt, 0, arena);
        row->workspace_id = row_text(stmt, 1, arena);
        row->attempts = stmt_col_int(stmt, 2);
        row->amount = stmt_col_int(stmt, 3);
        row->card_token = row_text(stmt, 4, arena);
        row->payment_driver = row_text(stmt, 5, arena);
        row->checkout_reference = row_text(stmt, 6, arena);
        row->created_ms = stmt_col_int(stmt, 7);
        row->checkout_expires_ms = stmt_col_int(stmt, 8);
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return rows.n == 0 || lease(db, *ret, rows.n, lease_until_ms, arena, reterr);
}

bool order_postpone(struct db *db, struct str order_id, int64_t again_ms, struct str reason, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE orders SET settle_after_ms = $2, reason = $3, attempts = attempts + 1"
                                    " WHERE id = $1 AND state = 'reserved'");
    stmt_text(stmt, 1, order_id);
    stmt_int(stmt, 2, again_ms);
    stmt_text(stmt, 3, reason);
    return stmt_run(stmt, NULL, reterr);
}

bool order_explain(struct db *db, struct str order_id, int64_t lease_until_ms, struct str reason,
                   struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE orders SET reason = $3 WHERE id = $1 AND settle_after_ms = $2 AND state = 'reserved'");
    stmt_text(stmt, 1, order_id);
    stmt_int(stmt, 2, lease_until_ms);
    stmt_text(stmt, 3, reason);
    return stmt_run(stmt, NULL, reterr);
}

#define ORDER_COLUMNS                                                                                                  \
    "o.id, o.workspace_id, o.reason, o.type, o.state, o.amount, o.created_ms, o.attempts, o.settle_after_ms,"          \
    " CASE o.state WHEN 'reserved' THEN o.checkout_url ELSE '' END, o.checkout_expires_ms"

/* Whether the order's money for what the step S failed at has gone back, or another domain was taken. */
#define IS_MADE_GOOD                                                                                                   \
    "EXISTS (SELECT 1 FROM refunds r WHERE r.domain_id = s.domain_id AND r.domain_id <> ''"                            \
    " AND r.account_id IN ('', s.account_id) AND r.state IN ('done', 'swapped'))"
/* The step of the order O that people should know of first. Why it waits is as true while it is tried once more. */
#define STEP_REASON                                                                                                    \
    "COALESCE((SELECT s.kind || ' ' || d.name || ': ' || s.reason FROM steps s JOIN domains d ON d.id = s.domain_id"   \
    " WHERE s.order_id = o.id AND ((s.state IN ('retrying', 'running') AND s.reason <> '')"                            \
    " OR (s.state = 'failed' AND NOT " IS_MADE_GOOD "))"                                                               \
    " ORDER BY s.state DESC, s.domain_id, s.rank LIMIT 1), '')"
#define NEXT_STEP                                                                                                      \
    "COALESCE((SELECT MIN(s.due_ms) FROM steps s WHERE s.order_id = o.id"                                              \
    " AND s.state IN ('due', 'retrying', 'running')), 0)"

static void read_row(struct stmt *stmt, struct arena *arena, struct order_row *ret) {
    *ret = (struct order_row){
        .id = row_text(stmt, 0, arena),
        .workspace_id = row_text(stmt, 1, arena),
        .reason = row_text(stmt, 2, arena),
        .type = (enum order_type)row_word(stmt, 3, order_type_names, ARRAY_LEN(order_type_names)),
        .state = (enum order_state)row_word(stmt, 4, order_state_names, ORDER_STATE_END),
        .amount = stmt_col_int(stmt, 5),
        .created_ms = stmt_col_int(stmt, 6),
        .attempts = stmt_col_int(stmt, 7),
        .settle_after_ms = stmt_col_int(stmt, 8),
        .checkout_url = row_text(stmt, 9, arena),
        .checkout_expires_ms = stmt_col_int(stmt, 10),
    };
}

bool order_get(struct db *db, struct str order_id, struct arena *arena, struct order_row *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT " ORDER_COLUMNS " FROM orders o WHERE o.id = $1");
    stmt_text(stmt, 1, order_id);
    if (!row_find(stmt, reterr, "there is no order %.*s", STR_ARG(order_id))) return false;
    read_row(stmt, arena, ret);
    stmt_done(stmt);
    return true;
}

bool order_list(struct db *db, bool stuck, size_t max, struct arena *arena, struct order_row **ret, size_t *ret_n,
                struct error *reterr) {
    struct rows rows = {.size = sizeof(struct order_row)};
    struct stmt *stmt =
        db_stmt(db, "SELECT " ORDER_COLUMNS ", " STEP_REASON ", " NEXT_STEP " FROM orders o"
                    " WHERE $1 = 0 OR (o.state = 'reserved' AND (o.checkout_url = '' OR o.attempts > 0))"
                    " OR (o.state = 'placed' AND EXISTS"
                    " (SELECT 1 FROM steps s LEFT JOIN accounts a ON a.id = s.account_id"
                    " JOIN domains d ON d.id = s.domain_id"
                    " WHERE s.order_id = o.id AND s.state <> 'done'"
                    " AND NOT (s.state IN ('failed', 'skipped') AND " IS_MADE_GOOD ")"
                    " AND NOT (s.kind <> $3 AND (d.state = 'cancelled' OR COALESCE(a.state, '') = 'cancelled'))))"
                    " ORDER BY o.id DESC LIMIT $2");
    stmt_int(stmt, 1, stuck);
    stmt_int(stmt, 2, (int64_t)max);
    stmt_text(stmt, 3, str_of(step_kind_names[STEP_REMOVE_MAILBOX]));
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct order_row *row = rows_add(&rows, arena);
        read_row(stmt, arena, row);
        if (!row->reason.n) row->reason = row_text(stmt, 11, arena);
        row->next_step_ms = stmt_col_int(stmt, 12);
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}
