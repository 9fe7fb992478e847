/*
 * clock: the time, handed in so that tests and the simulator own it. Wall time in milliseconds since
 * 1970-01-01T00:00:00Z. The system clock and the sandbox's are safe to share between threads; a manual clock belongs to
 * one.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/str.h"

struct clock {
    int64_t (*now)(const struct clock *clock);
    int64_t manual_ms;        /* only read by clock_manual's */
    _Atomic int64_t ahead_ms; /* only read by clock_sandbox's */
};

enum { TIME_TEXT = 25 };

struct clock clock_system(void);
/* Stands still at START_MS until someone sets manual_ms. */
struct clock clock_manual(int64_t start_ms);
/* The system's time and AHEAD_MS on top, which clock_move makes more. */
struct clock clock_sandbox(int64_t ahead_ms);
/* Moves a sandbox's clock to AHEAD_MS ahead of the system's; never back. */
void clock_move(struct clock *clock, int64_t ahead_ms);
int64_t clock_now(const struct clock *clock);
/* Milliseconds since some moment, which no setting of the time changes: for how long something took. */
int64_t clock_steady_ms(void);
/* ISO 8601 in UTC with milliseconds, "2026-03-05T23:09:47.406Z", and a NUL; years 0000 to 9999. */
void time_format(int64_t ms, char ret_text[TIME_TEXT]);
/* The reverse, for exactly that form. */
MUST_CHECK bool time_parse(struct str text, int64_t *ret_ms);
/* "45d", "1d12h", "2w": numbers with the units s m h d w y (365 days), added up; above 0, up to TIME_SPAN_MAX. */
MUST_CHECK bool time_span_parse(struct str text, int64_t *ret_ms);
#define TIME_SPAN_MAX (INT64_C(100) * 365 * 24 * 60 * 60 * 1000) /* ms */
