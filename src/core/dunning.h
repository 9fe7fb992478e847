/*
 * dunning: what follows when a renewal's charge fails. The published schedule, counted from the first try: tried again
 * after 1, 3 and 7 days; when that fails too, suspended; tried once more after 14 days; cancelled after 21. A try that
 * comes late moves those after it. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How many tries the schedule has, and which of them suspends when it fails. */
enum { DUNNING_TRIES = 5, DUNNING_SUSPENDING = 4 };

struct dunning {
    int64_t next_ms;   /* when something happens again */
    bool is_suspended; /* until then it may not be used */
    bool cancels;      /* what happens then is no try: it is cancelled */
};

/* After try number FAILED (1 to DUNNING_TRIES) of the schedule failed at NOW_MS. */
struct dunning dunning_after(int64_t failed, int64_t now_ms);
/* Whether the things may not be used once that many tries failed. */
bool dunning_suspends(int64_t failed);
