#include "store/feed.h"

#include "store/rows.h"

/* The least and the greatest apart: together SQLite would read every row. */
#define SELECT_ENDS "SELECT COALESCE((SELECT MIN(seq) FROM events), 0), COALESCE((SELECT MAX(seq) FROM events), 0), "

bool feed_horizon(struct db *db, struct feed_horizon *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, DB_EITHER(db, SELECT_ENDS "0, 0",
                                              SELECT_ENDS "pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
                                                          " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"));
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = (struct feed_horizon){
        .oldest = stmt_col_int(stmt, 0),
        .newest = stmt_col_int(stmt, 1),
        .running = stmt_col_int(stmt, 2),
        .begun = stmt_col_int(stmt, 3),
    };
    stmt_done(stmt);
    return true;
}

bool feed_events(struct db *db, const struct str *workspace_ids, size_t n_workspaces, int64_t after,
                 struct arena *arena, struct feed_event **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct feed_event)};
    struct stmt *stmt = db_stmt(db, "SELECT seq, workspace_id, type, payload, created_ms FROM events"
                                    " WHERE seq > $2 AND workspace_id IN (SELECT value FROM list($1))"
                                    " ORDER BY seq");
    stmt_list(stmt, 1, workspace_ids, n_workspaces);
    stmt_int(stmt, 2, after);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct feed_event *event = rows_add(&rows, arena);
        *event = (struct feed_event){
            .seq = stmt_col_int(stmt, 0),
            .workspace_id = row_text(stmt, 1, arena),
            .type = row_text(stmt, 2, arena),
            .payload = row_text(stmt, 3, arena),
            .created_ms = stmt_col_int(stmt, 4),
        };
    }
    *ret = rows.first;
    *ret_n = rows.n;
    return step != DB_FAIL;
}

/* Weights of states, so that what goes from one to another changes the sum. */
#define ORDER_WEIGHT "CASE o.state WHEN 'reserved' THEN 1 WHEN 'placed' THEN 2 ELSE 3 END"
#define DOMAIN_WEIGHT                                                                                                  \
    "CASE d.state WHEN 'reserved' THEN 1 WHEN 'provisioning' THEN 1009 WHEN 'ready' THEN 1000003"                      \
    " WHEN 'partial' THEN 1000000007 WHEN 'failed' THEN 7 ELSE 1000000000039 END + LENGTH(d.swapped_for) * 31"
#define ACCOUNT_WEIGHT                                                                                                 \
    "CASE a.state WHEN 'reserved' THEN 1 WHEN 'pending' THEN 10007 WHEN 'ready' THEN 100000007"                        \
    " WHEN 'failed' THEN 13 ELSE 1000000000039 END"
#define STEP_WEIGHT                                                                                                    \
    "CASE s.state WHEN 'blocked' THEN 1 WHEN 'due' THEN 101 WHEN 'running' THEN 10007 WHEN 'retrying' THEN 1000003"    \
    " WHEN 'done' THEN 100000007 WHEN 'failed' THEN 10000000019 ELSE 1000000000039 END + s.attempts * 17"              \
    " + s.due_ms % 1000003"
#define REFUND_WEIGHT                                                                                                  \
    "CASE r.state WHEN 'waiting' THEN 1 WHEN 'due' THEN 101 WHEN 'running' THEN 10007 WHEN 'done' THEN 1000003"        \
    " WHEN 'failed' THEN 100000007 ELSE 10000000019 END + r.attempts * 17"
#define SUM_OF(weight, rows) ", (SELECT CAST(COALESCE(SUM(" weight "), 0) AS BIGINT) FROM " rows ")"
#define OF_DOMAINS SUM_OF(DOMAIN_WEIGHT, "domains d WHERE d.order_id = o.id")
#define OF_ACCOUNTS SUM_OF(ACCOUNT_WEIGHT, "accounts a WHERE a.order_id = o.id")
#define OF_STEPS SUM_OF(STEP_WEIGHT, "steps s WHERE s.order_id = o.id")
#define OF_REFUNDS SUM_OF(REFUND_WEIGHT, "refunds r WHERE r.bill_id = o.id")

bool feed_prints(struct db *db, const struct str *order_ids, size_t n_orders, struct arena *arena,
                 struct feed_print **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct feed_print)};
    struct stmt *stmt = db_stmt(db, "SELECT o.id, " ORDER_WEIGHT OF_DOMAINS OF_ACCOUNTS OF_STEPS OF_REFUNDS
                                    " FROM orders o WHERE o.id IN (SELECT value FROM list($1)) ORDER BY o.id");
    stmt_list(stmt, 1, order_ids, n_orders);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct feed_print *print = rows_add(&rows, arena);
        row_uuid(stmt, 0, print->order_id);
        for (int i = 0; i < (int)ARRAY_LEN(print->of); i++) print->of[i] = stmt_col_int(stmt, i + 1);
    }
    *ret = rows.first;
    *ret_n = rows.n;
    return step != DB_FAIL;
}

bool feed_has_order(struct db *db, struct str workspace_id, struct str order_id, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM orders WHERE id = $1 AND workspace_id = $2");
    stmt_text(stmt, 1, order_id);
    stmt_text(stmt, 2, workspace_id);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret = step == DB_ROW;
    stmt_done(stmt);
    return true;
}

bool feed_valid_keys(struct db *db, const struct str *key_ids, size_t n_keys, struct arena *arena, struct str **ret,
                     size_t *ret_n, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT id FROM api_keys WHERE revoked_ms = 0 AND id IN (SELECT value FROM list($1)) ORDER BY id");
    stmt_list(stmt, 1, key_ids, n_keys);
    return rows_texts(stmt, arena, ret, ret_n, reterr);
}

bool feed_open_sessions(struct db *db, const struct str *key_ids, size_t n_keys, int64_t now_ms, struct arena *arena,
                        struct str **ret, size_t *ret_n, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT hash FROM sessions WHERE expires_ms > $2"
                                    " AND key_id IN (SELECT value FROM list($1)) ORDER BY hash");
    stmt_list(stmt, 1, key_ids, n_keys);
    stmt_int(stmt, 2, now_ms);
    return rows_texts(stmt, arena, ret, ret_n, reterr);
}
