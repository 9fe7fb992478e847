/*
 * credit: what workspaces owe on account, and how much they may. A charge is written down once a key, and only while no
 * more is owed than allowed; a key that is closed is never charged. Functions take a connection inside store_read or
 * store_write.
 */
#pragma once

#include "core/money.h"
#include "store/db.h"

struct credit_charge {
    struct str id; /* the key */
    struct str workspace_id;
    cents amount; /* above 0 */
    int64_t now_ms;
};

enum credit_state {
    CREDIT_IS_CHARGED,
    CREDIT_IS_CLOSED,     /* never was and never will be charged */
    CREDIT_IS_OVER_LIMIT, /* nothing was written */
    CREDIT_IS_OTHER,      /* the key stands for another workspace or amount */
};

/* How much WORKSPACE_ID may owe, 0: nothing; ERR_NOT_FOUND. */
MUST_CHECK bool credit_set_limit(struct db *db, struct str workspace_id, cents limit, struct error *reterr);

struct credit {
    cents limit;
    cents owed; /* charged, not refunded and not paid; below 0 when more was paid than is owed */
};

/* ERR_NOT_FOUND. */
MUST_CHECK bool credit_get(struct db *db, struct str workspace_id, struct credit *ret, struct error *reterr);
/* Repeatable. */
MUST_CHECK bool credit_charge(struct db *db, const struct credit_charge *charge, enum credit_state *ret,
                              struct error *reterr);
/* CREDIT_IS_CHARGED or CREDIT_IS_CLOSED. Repeatable. */
MUST_CHECK bool credit_close(struct db *db, const struct credit_charge *charge, enum credit_state *ret,
                             struct error *reterr);
/* Repeatable under the same ID. ERR_NOT_FOUND: no such charge; ERR_CONFLICT: more than is left of it, or the id was
 * used for another refund. */
MUST_CHECK bool credit_refund(struct db *db, struct str id, struct str charge_id, cents amount, int64_t now_ms,
                              struct error *reterr);

struct credit_movement {
    bool is_refund;
    struct str id;
    cents amount;
    int64_t at_ms;
};

/* Everything written at or after FROM_MS. Text from ARENA. */
MUST_CHECK bool credit_movements(struct db *db, int64_t from_ms, struct arena *arena, struct credit_movement **ret,
                                 size_t *ret_n, struct error *reterr);
