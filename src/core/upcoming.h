/* upcoming: what will be charged on which day, if everything stays as it is. Pure. */
#pragma once

#include "base/arena.h"
#include "core/bill.h"

/* Things that renew alike. */
struct upcoming_thing {
    enum line_kind kind;
    int64_t quantity;
    cents unit;
    int64_t next_ms;  /* their next day */
    int64_t first_ms; /* of a year: when they were ordered; years are counted from there */
};

struct upcoming_day {
    int64_t day_ms;
    cents amount;
    int64_t n[LINE_KIND_END]; /* how many things of each kind */
};

/* All days before UNTIL_MS on which something renews, in their order; from ARENA. Amounts that leave the range of money
 * stay at CENTS_MAX. */
void upcoming_days(const struct upcoming_thing *things, size_t n, int64_t until_ms, struct arena *arena,
                   struct upcoming_day **ret, size_t *ret_n);
