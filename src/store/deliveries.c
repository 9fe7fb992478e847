#include "store/deliveries.h"

#include "store/rows.h"

/* What may be sent now: due, and nothing earlier of its domain waits for another try. */
#define SENDABLE                                                                                                       \
    " FROM deliveries d JOIN events e ON e.seq = d.seq WHERE d.webhook_id = $1 AND d.due_ms <= $2 AND (d.domain = ''"  \
    " OR NOT EXISTS (SELECT 1 FROM deliveries f WHERE f.webhook_id = d.webhook_id AND f.domain = d.domain"             \
    " AND f.seq < d.seq AND f.due_ms > $2)) "

static bool read_int(struct stmt *stmt, int64_t *ret, struct error *reterr) {
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_ROW && !stmt_col_is_null(stmt, 0)) *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

/* ---- handing out: what is new since the cursor; in PostgreSQL, what events_new has ---- */

bool delivery_next_due(struct db *db, int64_t *ret_ms, struct error *reterr) {
    int64_t next = INT64_MAX, has_new = 0;
    /* Without a webhook nobody reads the events, and the cursor stays where it is. */
    struct stmt *stmt =
        db_stmt(db, DB_EITHER(db,
                              "SELECT 1 FROM webhook_cursor c WHERE EXISTS (SELECT 1 FROM webhooks)"
                              " AND c.seq < (SELECT MAX(seq) FROM events)",
                              "SELECT 1 WHERE EXISTS (SELECT 1 FROM events_new) AND EXISTS (SELECT 1 FROM webhooks)"));
    if (!read_int(stmt, &has_new, reterr)) return false;
    if (has_new)
        next = 0;
    else if (!read_int(db_stmt(db, "SELECT due_ms FROM webhooks WHERE due_ms IS NOT NULL ORDER BY due_ms LIMIT 1"),
                       &next, reterr))
        return false;
    *ret_ms = next;
    return true;
}

/* Whether the webhook W wants the event E. */
#define IS_MEANT                                                                                                       \
    "e.seq > w.after_seq AND (w.event_type IN ('all_events', e.type)"                                                  \
    " OR (w.event_type IS NULL AND w.custom_interest_value IS NULL))"

static bool insert_deliveries(struct db *db, int64_t from, int64_t to, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO deliveries (webhook_id, seq, domain, attempts, due_ms)"
                    " SELECT w.id, e.seq, e.domain, 0, 0 FROM events e JOIN webhooks w"
                    " ON w.workspace_id = e.workspace_id WHERE e.seq > $1 AND e.seq <= $2 AND " IS_MEANT);
    stmt_int(stmt, 1, from);
    stmt_int(stmt, 2, to);
    return stmt_run(stmt, NULL, reterr);
}

#define WAKE_AT "CASE WHEN not_before_ms > $3 THEN not_before_ms ELSE $3 END"

/* A leased webhook is looked at again when its lease ends. */
static bool wake_webhooks(struct db *db, int64_t from, int64_t to, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "UPDATE webhooks SET due_ms = " WAKE_AT " WHERE status = 1 AND is_leased = 0"
            " AND (due_ms IS NULL OR due_ms > " WAKE_AT ")"
            " AND workspace_id IN (SELECT DISTINCT workspace_id FROM events WHERE seq > $1 AND seq <= $2)"
            " AND EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook_id = webhooks.id AND d.seq > $1 AND d.seq <= $2)");
    stmt_int(stmt, 1, from);
    stmt_int(stmt, 2, to);
    stmt_int(stmt, 3, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

/*
 * One node after another, by the cursor's row, so that events of a domain go out in order. The webhooks are locked
 * before they are looked at: whoever has just let go of one is waited for, and whoever lets go of one later sees what
 * was handed out. They are woken by a statement of its own: a row that a statement has changed is locked no more by the
 * same statement, so what is meant for it after that would be lost.
 */
static bool hand_out_in_postgres(struct db *db, int64_t now_ms, size_t max, size_t *ret_n, struct error *reterr) {
    int64_t any = 0;
    if (!read_int(db_stmt(db, DB_ONLY_POSTGRES("SELECT 1 FROM events_new LIMIT 1")), &any, reterr)) return false;
    if (!any) return true;
    any = 0;
    if (!read_int(db_stmt(db, DB_ONLY_POSTGRES("SELECT 1 FROM webhook_cursor FOR UPDATE SKIP LOCKED")), &any, reterr))
        return false;
    if (!any) return true; /* another node is at it */
    struct stmt *stmt = db_stmt(
        db, DB_ONLY_POSTGRES(
                "WITH taken AS (DELETE FROM events_new WHERE seq IN (SELECT seq FROM events_new ORDER BY seq LIMIT $1"
                " FOR UPDATE SKIP LOCKED) RETURNING seq),"
                " meant AS (SELECT w.id, e.seq, e.domain FROM taken t JOIN events e ON e.seq = t.seq JOIN webhooks w"
                " ON w.workspace_id = e.workspace_id WHERE " IS_MEANT " FOR NO KEY UPDATE OF w),"
                " made AS (INSERT INTO deliveries (webhook_id, seq, domain, attempts, due_ms)"
                " SELECT id, seq, domain, 0, 0 FROM meant RETURNING webhook_id)"
                " SELECT (SELECT COUNT(*) FROM taken), (SELECT string_agg(DISTINCT webhook_id, ' ') FROM made)"));
    stmt_int(stmt, 1, (int64_t)max);
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret_n = (size_t)stmt_col_int(stmt, 0);
    struct str woken = row_text(stmt, 1, arena);
    stmt_done(stmt);
    if (!woken.n) return true;
    stmt = db_stmt(db, DB_ONLY_POSTGRES("UPDATE webhooks SET due_ms = LEAST(due_ms, GREATEST(not_before_ms, $2))"
                                        " WHERE id = ANY (string_to_array($1, ' ')) AND status = 1 AND is_leased = 0"));
    stmt_text(stmt, 1, woken);
    stmt_int(stmt, 2, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool delivery_hand_out(struct db *db, int64_t now_ms, size_t max, size_t *ret_n, struct error *reterr) {
    *ret_n = 0;
    int64_t any = 0, from = 0, to = 0;
    if (!read_int(db_stmt(db, "SELECT 1 FROM webhooks LIMIT 1"), &any, reterr)) return false;
    if (!any) return true;
    if (db_engine(db) == DB_POSTGRES) return hand_out_in_postgres(db, now_ms, max, ret_n, reterr);
    if (!read_int(db_stmt(db, "SELECT seq FROM webhook_cursor"), &from, reterr)) return false;
    struct stmt *stmt =
        db_stmt(db, "SELECT MAX(seq) FROM (SELECT seq FROM events WHERE seq > $1 ORDER BY seq LIMIT $2) t");
    stmt_int(stmt, 1, from);
    stmt_int(stmt, 2, (int64_t)max);
    if (!read_int(stmt, &to, reterr)) return false;
    if (to <= from) return true;
    if (!insert_deliveries(db, from, to, reterr) || !wake_webhooks(db, from, to, now_ms, reterr)) return false;
    stmt = db_stmt(db, "UPDATE webhook_cursor SET seq = $1");
    stmt_int(stmt, 1, to);
    *ret_n = (size_t)(to - from);
    return stmt_run(stmt, NULL, reterr);
}

/* ---- leases ---- */

static bool read_batch(struct db *db, const struct delivery_claim *claim, struct arena *arena,
                       struct delivery_batch *batch, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct delivery)};
    struct stmt *stmt = db_stmt(db, "SELECT d.seq, e.type, d.domain, e.payload, e.created_ms, d.attempts" SENDABLE
                                    "ORDER BY d.seq LIMIT $3");
    stmt_text(stmt, 1, batch->webhook.id);
    stmt_int(stmt, 2, claim->now_ms);
    stmt_int(stmt, 3, (int64_t)claim->max);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct delivery *delivery = rows_add(&rows, arena);
        *delivery = (struct delivery){
            .seq = stmt_col_int(stmt, 0),
            .type = row_text(stmt, 1, arena),
            .domain = row_text(stmt, 2, arena),
            .payload = row_text(stmt, 3, arena),
            .created_ms = stmt_col_int(stmt, 4),
            .attempts = stmt_col_int(stmt, 5),
        };
    }
    batch->deliveries = rows.first;
    batch->n = rows.n;
    return step != DB_FAIL;
}

bool delivery_claim(struct db *db, const struct delivery_claim *claim, struct arena *arena, struct delivery_batch *ret,
                    struct error *reterr) {
    *ret = (struct delivery_batch){.webhook = {.id = STR("")}};
    struct stmt *stmt = db_stmt(db, "SELECT id, workspace_id, lease, failures FROM webhooks"
                                    " WHERE due_ms IS NOT NULL AND due_ms <= $1 ORDER BY due_ms, id LIMIT 1"
                                    " /*pg FOR NO KEY UPDATE SKIP LOCKED*/");
    stmt_int(stmt, 1, claim->now_ms);
    enum db_step step = stmt_step(stmt, reterr);
    if (step != DB_ROW) return step == DB_END;
    struct str id = row_text(stmt, 0, arena), workspace_id = row_text(stmt, 1, arena);
    ret->lease = stmt_col_int(stmt, 2) + 1;
    ret->failures = stmt_col_int(stmt, 3);
    stmt_done(stmt);

    stmt = db_stmt(db, "UPDATE webhooks SET lease = $2, is_leased = 1, due_ms = $3 WHERE id = $1");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, ret->lease);
    stmt_int(stmt, 3, claim->lease_until_ms);
    return stmt_run(stmt, NULL, reterr) && webhook_get(db, workspace_id, id, arena, &ret->webhook, reterr) &&
           webhook_secret_get(db, workspace_id, arena, &ret->sealed_secret, reterr) &&
           read_batch(db, claim, arena, ret, reterr);
}

static bool end_delivery(struct db *db, struct str webhook_id, const struct delivery *delivery, struct error *reterr) {
    if (delivery->end == DELIVERY_UNTRIED) return true;
    struct stmt *stmt = delivery->end == DELIVERY_DONE
                            ? db_stmt(db, "DELETE FROM deliveries WHERE webhook_id = $1 AND seq = $2")
                            : db_stmt(db, "UPDATE deliveries SET attempts = $3, due_ms = $4"
                                          " WHERE webhook_id = $1 AND seq = $2");
    stmt_text(stmt, 1, webhook_id);
    stmt_int(stmt, 2, delivery->seq);
    if (delivery->end == DELIVERY_FAILED) {
        stmt_int(stmt, 3, delivery->attempts + 1);
        stmt_int(stmt, 4, delivery->again_ms);
    }
    return stmt_run(stmt, NULL, reterr);
}

/* When the webhook has something to send next; *ret stays as it is when it has nothing. */
static bool next_sendable(struct db *db, struct str webhook_id, int64_t now_ms, int64_t *ret, struct error *reterr) {
    int64_t any = 0;
    struct stmt *stmt = db_stmt(db, "SELECT 1" SENDABLE "LIMIT 1");
    stmt_text(stmt, 1, webhook_id);
    stmt_int(stmt, 2, now_ms);
    if (!read_int(stmt, &any, reterr)) return false;
    if (any) {
        *ret = now_ms;
        return true;
    }
    stmt = db_stmt(db, "SELECT MIN(due_ms) FROM deliveries WHERE webhook_id = $1 AND due_ms > $2");
    stmt_text(stmt, 1, webhook_id);
    stmt_int(stmt, 2, now_ms);
    return read_int(stmt, ret, reterr);
}

static bool end_lease(struct db *db, const struct delivery_record *r, bool *ret_held, struct error *reterr) {
    const struct delivery_batch *batch = r->batch;
    struct stmt *stmt =
        db_stmt(db, "UPDATE webhooks SET is_leased = 0, due_ms = NULL, failures = $3, not_before_ms = $4, reason = $5,"
                    " status = CASE WHEN $6 = 1 THEN -1 ELSE status END,"
                    " error_ms = CASE WHEN $6 = 1 THEN $7 ELSE error_ms END"
                    " WHERE id = $1 AND is_leased = 1 AND lease = $2");
    stmt_text(stmt, 1, batch->webhook.id);
    stmt_int(stmt, 2, batch->lease);
    stmt_int(stmt, 3, r->failures);
    stmt_int(stmt, 4, r->not_before_ms);
    stmt_text(stmt, 5, r->reason);
    stmt_int(stmt, 6, r->switch_off);
    stmt_int(stmt, 7, r->now_ms);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_held = changed > 0;
    return true;
}

bool delivery_finish(struct db *db, const struct delivery_record *r, bool *ret_stale, struct error *reterr) {
    const struct delivery_batch *batch = r->batch;
    struct str id = batch->webhook.id;
    bool held;
    if (!end_lease(db, r, &held, reterr)) return false;
    *ret_stale = !held;
    if (!held) return true;
    for (size_t i = 0; i < batch->n; i++)
        if (!end_delivery(db, id, &batch->deliveries[i], reterr)) return false;
    int64_t due = INT64_MAX;
    if (!next_sendable(db, id, r->now_ms, &due, reterr)) return false;
    if (due == INT64_MAX) return true;
    struct stmt *stmt = db_stmt(db, "UPDATE webhooks SET due_ms = $2 WHERE id = $1 AND status = 1");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, due > r->not_before_ms ? due : r->not_before_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool delivery_free_all(struct db *db, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE webhooks SET is_leased = 0, due_ms = $1 WHERE is_leased = 1");
    stmt_int(stmt, 1, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool delivery_expire(struct db *db, int64_t before_ms, size_t max, size_t *ret_n, struct error *reterr) {
    /* The newest event always stays, so that numbers are never used again. */
    int64_t to = 0;
    struct stmt *stmt = db_stmt(db, "SELECT MAX(seq) FROM (SELECT seq FROM events WHERE created_ms < $1"
                                    " AND seq < (SELECT MAX(seq) FROM events) ORDER BY created_ms, seq LIMIT $2) t");
    stmt_int(stmt, 1, before_ms);
    stmt_int(stmt, 2, (int64_t)max);
    if (!read_int(stmt, &to, reterr)) return false;
    *ret_n = 0;
    if (to == 0) return true;
    stmt = db_stmt(db, "DELETE FROM deliveries WHERE seq <= $1");
    stmt_int(stmt, 1, to);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    if (db_engine(db) == DB_POSTGRES) {
        stmt = db_stmt(db, DB_ONLY_POSTGRES("DELETE FROM events_new WHERE seq <= $1"));
        stmt_int(stmt, 1, to);
        if (!stmt_run(stmt, NULL, reterr)) return false;
    }
    stmt = db_stmt(db, "DELETE FROM events WHERE seq <= $1");
    stmt_int(stmt, 1, to);
    int64_t deleted;
    if (!stmt_run(stmt, &deleted, reterr)) return false;
    *ret_n = (size_t)deleted;
    return true;
}
