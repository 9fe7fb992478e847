/*
 * calendar: when periods begin and end. Days are UTC days of the proleptic Gregorian calendar; a day is named by its
 * first millisecond. Pure: no time zone, no clock.
 */
#pragma once

#include "base/str.h"

#define CALENDAR_DAY_MS INT64_C(86400000)

/* The first millisecond of the day of MS. */
int64_t calendar_day(int64_t ms);
/* The day MONTHS (>= 0) calendar months after that of MS; a day that the month does not have is its last one. */
int64_t calendar_add_months(int64_t ms, int64_t months);
/* The first monthly renewal of what was bought at MS: the first 15th at least one calendar month after that day. */
int64_t calendar_first_15th(int64_t ms);
/* The first 15th after the day of MS. */
int64_t calendar_next_15th(int64_t ms);
/*
 * The first anniversary of FIRST_MS's day that comes after the day of MS, at least one year after it. Counted from the
 * first date each time: 29 February is 28 February in common years and 29 February again in leap years.
 */
int64_t calendar_next_anniversary(int64_t first_ms, int64_t ms);

enum { CALENDAR_TEXT = 11 };

/* "2026-02-15" and a NUL; years 0000 to 9999. */
void calendar_format(int64_t ms, char ret_text[CALENDAR_TEXT]);
