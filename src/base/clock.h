/*
 * clock: the time, handed in so that tests and the simulator own it. Wall time in milliseconds since
 * 1970-01-01T00:00:00Z. The system clock is safe to share between threads; a manual clock belongs to one.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct clock {
    int64_t (*now)(const struct clock *clock);
    int64_t manual_ms; /* only read by clock_manual's */
};

enum { TIME_TEXT = 25 };

struct clock clock_system(void);
/* Stands still at START_MS until someone sets manual_ms. */
struct clock clock_manual(int64_t start_ms);
int64_t clock_now(const struct clock *clock);
/* ISO 8601 in UTC with milliseconds, "2026-03-05T23:09:47.406Z", and a NUL; years 0000 to 9999. */
void time_format(int64_t ms, char ret_text[TIME_TEXT]);
/* The reverse, for exactly that form. */
MUST_CHECK bool time_parse(struct str text, int64_t *ret_ms);
