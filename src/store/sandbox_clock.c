#include "store/sandbox_clock.h"

#include "base/clock.h"
#include "store/deliveries.h"
#include "store/renewals.h"

bool sandbox_clock_get(struct db *db, struct sandbox_clock *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT ahead_ms, target_ahead_ms FROM sandbox_clock WHERE id = 1");
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_END) return error_set(reterr, ERR_INTERNAL, "the sandbox's clock is missing");
    *ret = (struct sandbox_clock){.ahead_ms = stmt_col_int(stmt, 0), .target_ms = stmt_col_int(stmt, 1)};
    stmt_done(stmt);
    if (ret->target_ms < ret->ahead_ms) ret->target_ms = ret->ahead_ms;
    return true;
}

static bool write(struct db *db, const struct sandbox_clock *clock, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE sandbox_clock SET ahead_ms = $1, target_ahead_ms = $2 WHERE id = 1");
    stmt_int(stmt, 1, clock->ahead_ms);
    stmt_int(stmt, 2, clock->target_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool sandbox_clock_aim(struct db *db, int64_t by_ms, struct sandbox_clock *ret, struct error *reterr) {
    struct sandbox_clock clock = {0};
    if (!sandbox_clock_get(db, &clock, reterr)) return false;
    if (by_ms > TIME_SPAN_MAX - clock.target_ms)
        return error_set(reterr, ERR_INVALID, "the clock can be moved by 100 years in all; it is to be %lld days ahead",
                         (long long)(clock.target_ms / (INT64_C(24) * 60 * 60 * 1000)));
    clock.target_ms += by_ms;
    *ret = clock;
    return write(db, &clock, reterr);
}

bool sandbox_clock_move(struct db *db, int64_t ahead_ms, struct error *reterr) {
    struct sandbox_clock clock = {0};
    if (!sandbox_clock_get(db, &clock, reterr)) return false;
    if (ahead_ms <= clock.ahead_ms) return true;
    clock.ahead_ms = ahead_ms;
    if (clock.target_ms < ahead_ms) clock.target_ms = ahead_ms;
    return write(db, &clock, reterr);
}

bool sandbox_clock_give_up(struct db *db, struct error *reterr) {
    struct sandbox_clock clock = {0};
    if (!sandbox_clock_get(db, &clock, reterr)) return false;
    clock.target_ms = clock.ahead_ms;
    return write(db, &clock, reterr);
}

/* Each selects something when it holds the clock at $1. */
static const struct {
    const char *sql, *what;
} holders[] = {
    {"SELECT 1 FROM steps WHERE (state = 'due' OR state = 'retrying' OR state = 'running') AND (due_ms <= $1 OR state "
     "= 'running') LIMIT "
     "1",
     "a step that is due has not ended; `dfyd order list --stuck` shows its order"},
    {"SELECT 1 FROM orders WHERE state = 'reserved' AND settle_after_ms <= $1 LIMIT 1",
     "an order waits for its charge to be known; `dfyd order list --stuck` shows it"},
    {"SELECT 1 FROM refunds WHERE state IN ('waiting', 'due', 'running') AND (due_ms <= $1 OR state = 'running')"
     " LIMIT 1",
     "a refund that is due has not ended; `dfyd refund list` shows it"},
};

/* Each selects the first moment after $1 at which money is due. */
static const char *const stops[] = {
    "SELECT settle_after_ms FROM orders WHERE state = 'reserved' AND settle_after_ms > $1 ORDER BY 1 LIMIT 1",
    "SELECT due_ms FROM renewals WHERE state IN ('due', 'charging', 'suspended') AND due_ms > $1 ORDER BY 1 LIMIT 1",
    "SELECT due_ms FROM refunds WHERE state IN ('waiting', 'due', 'running') AND due_ms > $1 ORDER BY 1 LIMIT 1",
    "SELECT renews_ms FROM accounts WHERE renews_ms > 0 AND renews_ms > $1 ORDER BY 1 LIMIT 1",
    "SELECT year_renews_ms FROM domains WHERE year_renews_ms > 0 AND year_renews_ms > $1 ORDER BY 1 LIMIT 1",
    "SELECT month_renews_ms FROM domains WHERE month_renews_ms > 0 AND month_renews_ms > $1 ORDER BY 1 LIMIT 1",
};

/* The number that SQL selects for NOW_MS; *ret stays as it is when there is none. */
static bool select_int(struct db *db, const char *sql, int64_t now_ms, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    stmt_int(stmt, 1, now_ms);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_ROW) *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

bool sandbox_clock_look(struct db *db, int64_t now_ms, struct clock_stop *ret, struct error *reterr) {
    *ret = (struct clock_stop){.next_ms = INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(holders); i++) {
        int64_t holds = 0;
        if (!select_int(db, holders[i].sql, now_ms, &holds, reterr)) return false;
        if (holds) {
            ret->holder = holders[i].what;
            return true;
        }
    }
    int64_t renewal_ms, delivery_ms;
    if (!renewal_next_due(db, &renewal_ms, reterr) || !delivery_next_due(db, &delivery_ms, reterr)) return false;
    if (renewal_ms <= now_ms) {
        ret->holder = "a renewal that is due has not ended; `dfyd renewal list` shows it";
        return true;
    }
    if (delivery_ms <= now_ms) {
        ret->holder = "an event is being delivered to a webhook; `dfyd webhook list` shows what waits";
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
        int64_t at_ms = INT64_MAX;
        if (!select_int(db, stops[i], now_ms, &at_ms, reterr)) return false;
        if (at_ms < ret->next_ms) ret->next_ms = at_ms;
    }
    return true;
}
