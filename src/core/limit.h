/*
 * limit: how many requests may pass in a window of time. A window begins with the first request that passes and has a
 * fixed length: exactly so many pass in it, the next is told when it ends, and from that moment on requests pass again.
 * Requests that are refused count nowhere. Pure: allowances and a time in, a verdict out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMIT_WINDOWS = 2 }; /* a short one and a long one */

/* The limits of one thing. */
struct limits {
    struct limit {
        uint32_t most;     /* 0: none */
        uint32_t lasts_ms; /* of a window */
    } of[LIMIT_WINDOWS];
};

/* What is left of the windows under way. All zero: nothing was asked yet. */
struct allowance {
    int64_t end_ms[LIMIT_WINDOWS];
    uint32_t left[LIMIT_WINDOWS];
};

/* LIMITS may be NULL: none. */
struct limited {
    const struct limits *limits;
    struct allowance *allowance;
};

/* Of the window that is nearest to its end of requests, among equals of the one that lasts longest. */
struct limit_verdict {
    bool passes;
    uint32_t most, left; /* most 0: nothing is limited; left: after this request */
    int64_t reset_ms;    /* until the window ends; when refused: until a request passes again */
};

/*
 * Whether a request that all N of LIMITED apply to passes at NOW_MS, and counts it if so. Small steps back of the clock
 * do no harm; after one of more than two windows the window begins anew.
 */
struct limit_verdict limit_ask(const struct limited *limited, size_t n, int64_t now_ms);
/* Whether no window of ALLOWANCE is under way, so that it may be forgotten. */
bool allowance_is_idle(const struct allowance *allowance, int64_t now_ms);
