#include "core/upcoming.h"

#include <stdlib.h>

#include "core/calendar.h"

static int64_t day_after(const struct upcoming_thing *thing, int64_t day_ms) {
    return thing->kind == LINE_DOMAIN_YEAR ? calendar_next_anniversary(thing->first_ms, day_ms)
                                           : calendar_next_15th(day_ms);
}

static int by_day(const void *a, const void *b) {
    const struct upcoming_day *x = a, *y = b;
    return (x->day_ms > y->day_ms) - (x->day_ms < y->day_ms);
}

static void add_up(struct upcoming_day *day, const struct upcoming_day *more) {
    for (int kind = 0; kind < LINE_KIND_END; kind++) day->n[kind] += more->n[kind];
    if (!money_add(&day->amount, more->amount, 1)) day->amount = CENTS_MAX;
}

void upcoming_days(const struct upcoming_thing *things, size_t n, int64_t until_ms, struct arena *arena,
                   struct upcoming_day **ret, size_t *ret_n) {
    size_t n_all = 0, n_days = 0;
    for (size_t i = 0; i < n; i++)
        for (int64_t day = things[i].next_ms; day < until_ms; day = day_after(&things[i], day)) n_all++;
    struct upcoming_day *days = ARENA_ARRAY(arena, n_all + 1, struct upcoming_day);
    for (size_t i = 0, at = 0; i < n; i++)
        for (int64_t day = things[i].next_ms; day < until_ms; day = day_after(&things[i], day)) {
            days[at] = (struct upcoming_day){.day_ms = day};
            days[at].n[things[i].kind] = things[i].quantity;
            if (!money_add(&days[at].amount, things[i].unit, things[i].quantity)) days[at].amount = CENTS_MAX;
            at++;
        }
    if (n_all > 1) qsort(days, n_all, sizeof *days, by_day);
    for (size_t i = 0; i < n_all; i++)
        if (n_days && days[n_days - 1].day_ms == days[i].day_ms)
            add_up(&days[n_days - 1], &days[i]);
        else
            days[n_days++] = days[i];
    *ret = days;
    *ret_n = n_days;
}
