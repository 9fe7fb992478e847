#include "store/health.h"

#include <stdio.h>

#include "base/ids.h"
#include "store/rows.h"

/* A payment's id is made when it is first asked for. What ends in a day and is older than this is a refund that was
 * refused for weeks; it is not looked for, so that a day costs what a season has, and not all there ever was. */
#define ASKED_FOR_MS (INT64_C(60) * 24 * 60 * 60 * 1000)

/* The least id that is made at MS (RFC 9562 section 5.7). */
static void first_id(int64_t ms, char ret_text[UUID_TEXT]) {
    uint64_t at = ms > 0 ? (uint64_t)ms : 0;
    snprintf(ret_text, UUID_TEXT, "%08llx-%04llx-7000-8000-000000000000", (unsigned long long)(at >> 16 & 0xffffffff),
             (unsigned long long)(at & 0xffff));
}

static const char *word_of(bool is_charge, bool is_done) {
    if (is_charge) return is_done ? "paid" : "declined";
    return is_done ? "refunded" : "refund_refused";
}

static bool read_unknown(struct db *db, struct payment_outcome *ret, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT COUNT(*), COALESCE(CAST(SUM(u.amount) AS BIGINT), 0) FROM (SELECT amount FROM orders"
                    " WHERE state = 'reserved' AND (attempts > 0 OR reason <> '') UNION ALL SELECT amount FROM renewals"
                    " WHERE (state = 'due' OR state = 'charging' OR state = 'suspended') AND unanswered = 1) u");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = (struct payment_outcome){.word = "unknown", .n = stmt_col_int(stmt, 0), .amount = stmt_col_int(stmt, 1)};
    stmt_done(stmt);
    return true;
}

bool payment_outcomes(struct db *db, int64_t since_ms, struct arena *arena, struct payment_outcome **ret, size_t *ret_n,
                      struct error *reterr) {
    struct payment_outcome *found = ARENA_ARRAY(arena, PAYMENT_OUTCOMES, struct payment_outcome);
    size_t n = 0;
    char first[UUID_TEXT];
    first_id(since_ms - ASKED_FOR_MS, first);
    struct stmt *stmt =
        db_stmt(db, "SELECT kind = 'charge', state = 'succeeded', COUNT(*), CAST(SUM(amount) AS BIGINT) FROM payments"
                    " WHERE id >= $1 AND at_ms >= $2 GROUP BY kind, state ORDER BY kind, state DESC");
    stmt_text(stmt, 1, str_of(first));
    stmt_int(stmt, 2, since_ms);
    enum db_step step;
    for (; (step = stmt_step(stmt, reterr)) == DB_ROW && n < PAYMENT_OUTCOMES - 1; n++)
        found[n] = (struct payment_outcome){
            .word = word_of(stmt_col_int(stmt, 0) != 0, stmt_col_int(stmt, 1) != 0),
            .n = stmt_col_int(stmt, 2),
            .amount = stmt_col_int(stmt, 3),
        };
    if (step == DB_FAIL) return false;
    stmt_done(stmt);
    if (!read_unknown(db, &found[n], reterr)) return false;
    if (found[n].n) n++;
    *ret = found;
    *ret_n = n;
    return true;
}

bool webhook_health(struct db *db, struct webhook_health *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db,
        "SELECT (SELECT COUNT(*) FROM webhooks WHERE status = 1), (SELECT COUNT(*) FROM webhooks WHERE status = -1),"
        " x.n, COALESCE((SELECT e.created_ms FROM events e WHERE e.seq = x.first), 0) FROM (SELECT COUNT(*) AS n,"
        " MIN(q.seq) AS first FROM (SELECT d.seq FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id"
        " WHERE w.status = 1 LIMIT $1) q) x");
    stmt_int(stmt, 1, WEBHOOK_COUNT_MAX);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = (struct webhook_health){
        .active = stmt_col_int(stmt, 0),
        .off = stmt_col_int(stmt, 1),
        .waiting = stmt_col_int(stmt, 2),
        .oldest_ms = stmt_col_int(stmt, 3),
    };
    stmt_done(stmt);
    return true;
}

bool database_size(struct db *db, int64_t *ret, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, DB_EITHER(db, "SELECT c.page_count * s.page_size FROM pragma_page_count() c, pragma_page_size() s",
                              "SELECT pg_database_size(current_database())"));
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}
