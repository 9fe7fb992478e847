#include "driver/tally.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { SECOND_MS = 1000, MS_NS = 1000000 };

int64_t tally_begin(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* right to a few milliseconds, and a few nanoseconds' work */
    return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / MS_NS;
}

static void slower(struct tally *tally, int64_t ms) {
    int64_t slowest = atomic_load_explicit(&tally->slowest_ms, memory_order_relaxed);
    while (ms > slowest && !atomic_compare_exchange_weak_explicit(&tally->slowest_ms, &slowest, ms,
                                                                  memory_order_relaxed, memory_order_relaxed)) {}
}

/* As much of it as fits, without half a character (RFC 3629). OVER: in place of another one. */
static void keep_reason(struct tally *tally, const char *reason, bool over) {
    if (atomic_flag_test_and_set_explicit(&tally->is_writing, memory_order_acquire)) return;
    if (tally->reason[0] && !over) reason = tally->reason;
    size_t n = strnlen(reason, TALLY_REASON - 1);
    while (n && reason[n] && ((unsigned char)reason[n] & 0xc0) == 0x80) n--;
    memmove(tally->reason, reason, n);
    tally->reason[n] = '\0';
    atomic_flag_clear_explicit(&tally->is_writing, memory_order_release);
}

enum outcome tally_act(struct tally *tally, int64_t began, enum outcome outcome, const char *reason) {
    _Atomic uint64_t *counter = outcome == OUTCOME_DONE      ? &tally->done
                                : outcome == OUTCOME_REFUSED ? &tally->refused
                                                             : &tally->unknown;
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    slower(tally, tally_begin() - began);
    if (outcome != OUTCOME_DONE) keep_reason(tally, reason, true);
    return outcome;
}

enum outcome tally_look(struct tally *tally, int64_t began, enum outcome outcome, const char *reason) {
    (void)tally_act(tally, began, outcome == OUTCOME_REFUSED ? OUTCOME_DONE : outcome, reason);
    return outcome;
}

struct tallied tally_take(struct tally *tally) {
    struct tallied taken = {
        .done = (int64_t)atomic_exchange_explicit(&tally->done, 0, memory_order_relaxed),
        .refused = (int64_t)atomic_exchange_explicit(&tally->refused, 0, memory_order_relaxed),
        .unknown = (int64_t)atomic_exchange_explicit(&tally->unknown, 0, memory_order_relaxed),
        .slowest_ms = atomic_exchange_explicit(&tally->slowest_ms, 0, memory_order_relaxed),
    };
    if (atomic_flag_test_and_set_explicit(&tally->is_writing, memory_order_acquire)) return taken;
    memcpy(taken.reason, tally->reason, sizeof taken.reason);
    tally->reason[0] = '\0';
    atomic_flag_clear_explicit(&tally->is_writing, memory_order_release);
    return taken;
}

void tally_put_back(struct tally *tally, const struct tallied *tallied) {
    atomic_fetch_add_explicit(&tally->done, (uint64_t)tallied->done, memory_order_relaxed);
    atomic_fetch_add_explicit(&tally->refused, (uint64_t)tallied->refused, memory_order_relaxed);
    atomic_fetch_add_explicit(&tally->unknown, (uint64_t)tallied->unknown, memory_order_relaxed);
    slower(tally, tallied->slowest_ms);
    if (tallied->reason[0]) keep_reason(tally, tallied->reason, false);
}
