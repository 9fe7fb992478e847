/*
 * ledger_check: proves the books from what orders, renewals, refunds and paid invoices say of themselves. Looks only;
 * each check is one query over all of it.
 */
#pragma once

#include "core/money.h"
#include "store/db.h"

enum { LEDGER_CHECKS = 7 };

/* A difference. SUBJECT: "order 0199..."; PROBLEM: what is wrong with it; TODO: how to mend it. Borrowed for the call.
 */
typedef void ledger_found_fn(void *arg, struct str subject, struct str problem, const char *todo);

struct ledger_checked {
    const char *what;    /* is to be so */
    int64_t looked_at;   /* how many there are */
    int64_t differences; /* how many of them are not so */
};

/* Calls FOUND for each difference. An error is one of reading, not a difference. */
MUST_CHECK bool ledger_check(struct db *db, ledger_found_fn *found, void *arg, struct ledger_checked ret[LEDGER_CHECKS],
                             struct error *reterr);

/* A charge or refund that succeeded at one driver, for the comparison with its own book. */
struct ledger_moved {
    struct str key;
    bool is_refund;
    cents amount;
};

/* All of DRIVER, by key. Text from ARENA, here and below. */
MUST_CHECK bool ledger_moved(struct db *db, struct str driver, struct arena *arena, struct ledger_moved **ret,
                             size_t *ret_n, struct error *reterr);
/* The drivers that ever moved money. */
MUST_CHECK bool ledger_drivers(struct db *db, struct arena *arena, struct str **ret, size_t *ret_n,
                               struct error *reterr);

enum ledger_known {
    LEDGER_UNKNOWN,   /* nothing here has that key */
    LEDGER_UNDER_WAY, /* its end is not written down yet */
    LEDGER_ENDED,     /* it succeeded, by now */
    LEDGER_NOT_PAID,  /* it was given up here as not paid, or not given back */
};

/* What is known of the key of a charge or refund; *ret_subject: "order 0199...", empty when nothing is. */
MUST_CHECK bool ledger_key(struct db *db, struct str key, struct arena *arena, enum ledger_known *ret,
                           struct str *ret_subject, struct error *reterr);
