/*
 * period: from when to when things are paid for. Days are those of UTC; a time of day does not matter. Pure.
 * Mailboxes and Microsoft's monthly domain price renew on the 15th, domains on the day of the order, year by year.
 */
#pragma once

#include <stdint.h>

enum { PERIOD_DAY_MS = 86400000 };

/* The first moment of the day that MS lies in. */
int64_t period_day(int64_t ms);
/* The first 15th at least one calendar month after the day of MS, where 31 January and a month is the last of February:
 * the end of the first month that is paid for. */
int64_t period_first_month(int64_t ms);
/* The 15th of the month after that of MS. */
int64_t period_next_month(int64_t ms);
/* YEARS (0 to 1000) after the day of MS: 29 February is the 28th in common years, and the 29th again in leap years. */
int64_t period_years(int64_t ms, int64_t years);
