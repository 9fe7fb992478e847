/* model_calendar: until when things are paid for, by counting through the calendar; knows nothing of core/period. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The first moment of the day in UTC. */
int64_t model_day(int64_t ms);
/* Of what was ordered at ORDERED_MS: where its Nth month ends (from 1), which is always a 15th, and its Nth year. */
int64_t model_month_end(int64_t ordered_ms, int n);
int64_t model_year_end(int64_t ordered_ms, int n);
