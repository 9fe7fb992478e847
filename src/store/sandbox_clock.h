/*
 * sandbox_clock: how far the sandbox's clock was moved ahead of the system's, how far it is to go, and what stands in
 * its way. Only the server moves it, from one moment at which money is due to the next; commands say where to.
 */
#pragma once

#include "store/db.h"

struct sandbox_clock {
    int64_t ahead_ms;  /* of the system's time */
    int64_t target_ms; /* how far it is to be ahead; never less than ahead_ms */
};

MUST_CHECK bool sandbox_clock_get(struct db *db, struct sandbox_clock *ret, struct error *reterr);
/* Moves the target by BY_MS; on top of one that is not reached yet. ERR_INVALID: more than TIME_SPAN_MAX in all. */
MUST_CHECK bool sandbox_clock_aim(struct db *db, int64_t by_ms, struct sandbox_clock *ret, struct error *reterr);
/* The clock is AHEAD_MS ahead now; never less than it was. */
MUST_CHECK bool sandbox_clock_move(struct db *db, int64_t ahead_ms, struct error *reterr);
/* Takes the target back to where the clock is. */
MUST_CHECK bool sandbox_clock_give_up(struct db *db, struct error *reterr);

/* What the clock finds at a moment. */
struct clock_stop {
    const char *holder; /* what is due or under way and has to end first, for people; NULL: nothing */
    int64_t next_ms;    /* the next moment at which money is due; INT64_MAX: none */
};

/*
 * Steps, orders, renewals, refunds and deliveries that are due at NOW_MS hold the clock, and so does a lease; what is
 * tried again later does not. It stops for money alone: steps and deliveries that are tried again run when it stops
 * next. The care for domains (store/care.h) neither holds nor stops it: all its times are the earliest, so that later
 * is as good, and a year has hundreds of them. It runs wherever the clock stops, at the latest at the target.
 */
MUST_CHECK bool sandbox_clock_look(struct db *db, int64_t now_ms, struct clock_stop *ret, struct error *reterr);
