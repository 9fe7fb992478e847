/* health: payments, webhooks and the database itself, for whoever runs the business. */
#pragma once

#include "base/arena.h"
#include "core/money.h"
#include "store/db.h"

struct payment_outcome {
    const char *word; /* "paid", "declined", "refunded", "refund_refused", or "unknown": its end is not known yet */
    int64_t n;
    cents amount;
};
enum { PAYMENT_OUTCOMES = 5 };

/* Those of SINCE_MS and later that there are any of, and what is not known now. From ARENA. */
MUST_CHECK bool payment_outcomes(struct db *db, int64_t since_ms, struct arena *arena, struct payment_outcome **ret,
                                 size_t *ret_n, struct error *reterr);

struct webhook_health {
    int64_t active, off;
    int64_t waiting;   /* events that active ones have still to deliver; at most WEBHOOK_COUNT_MAX are counted */
    int64_t oldest_ms; /* when the oldest of those happened; 0: there is none */
};
enum { WEBHOOK_COUNT_MAX = 10000 };
MUST_CHECK bool webhook_health(struct db *db, struct webhook_health *ret, struct error *reterr);

/* How large the database is, in bytes. */
MUST_CHECK bool database_size(struct db *db, int64_t *ret, struct error *reterr);
