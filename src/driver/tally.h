/*
 * tally: how a driver's calls ended, to be looked at minute by minute. Each driver carries its own. Counting costs an
 * atomic addition and a look at a coarse clock; nobody waits for anybody.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "driver/outcome.h"

enum { TALLY_REASON = 200 }; /* bytes with the NUL */

struct tally {
    _Atomic uint64_t done, refused, unknown;
    _Atomic int64_t slowest_ms;
    atomic_flag is_writing; /* the reason; who finds it set leaves it alone */
    char reason[TALLY_REASON];
};

/* What was counted, as values. */
struct tallied {
    int64_t done, refused, unknown;
    int64_t slowest_ms;
    char reason[TALLY_REASON]; /* of the last that was refused or unknown; "": there was none, or it is just written */
};

/* Before a call. */
int64_t tally_begin(void);
/* After it: OUTCOME, with its REASON, is returned. */
enum outcome tally_act(struct tally *tally, int64_t began, enum outcome outcome, const char *reason);
/* The same for a call that only asks whether something is so: that it is not, is an answer. */
enum outcome tally_look(struct tally *tally, int64_t began, enum outcome outcome, const char *reason);
/* Takes out what was counted; it is counted from 0 again. */
struct tallied tally_take(struct tally *tally);
/* Puts back what could not be kept. */
void tally_put_back(struct tally *tally, const struct tallied *tallied);
