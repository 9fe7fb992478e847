/*
 * outcome: the three readings of every answer from outside. A time-out or a broken answer is never "no":
 * it is unknown, and is looked up before anything is done again.
 */
#pragma once

#include <stdint.h>

enum outcome {
    OUTCOME_DONE,    /* it is so */
    OUTCOME_REFUSED, /* it is not so and will not become so by asking again; the reason says why */
    OUTCOME_UNKNOWN, /* no clear answer, or not finished yet */
};

struct answer {
    char reason[320];       /* for people; set with REFUSED and UNKNOWN, never holds a secret */
    int64_t retry_after_ms; /* with UNKNOWN: the driver knows when to ask again; 0: it does not */
};

/* Fills ANSWER and returns OUTCOME, so that a driver can `return answer_set(...)`. ANSWER may be NULL. */
enum outcome answer_set(struct answer *answer, enum outcome outcome, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
