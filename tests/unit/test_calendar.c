/* calendar: renewal dates as listed (cases/calendar.txt), and what must hold for every date. */
#include "core/calendar.h"

#include <time.h>

#include "base/ids.h"
#include "cases.h"

static int64_t time_of(struct case_line *line, int cell) {
    int64_t ms = 0;
    if (!time_parse(line->cells[cell], &ms)) CASE_FAIL(line, "cell %d is no time", cell);
    return ms;
}

static void check_cases(void) {
    struct arena *arena = arena_create(4096);
    size_t n;
    struct case_line *rows = cases_rows("calendar.txt", arena, &n);
    for (size_t i = 0; i < n; i++) {
        struct case_line *row = &rows[i];
        int64_t from = time_of(row, 1), got = 0;
        if (str_is(row->cells[0], "first 15th")) got = calendar_first_15th(from);
        if (str_is(row->cells[0], "next 15th")) got = calendar_next_15th(from);
        if (str_is(row->cells[0], "anniversary")) got = calendar_next_anniversary(from, time_of(row, 2));
        char text[CALENDAR_TEXT];
        calendar_format(got, text);
        if (!str_is(row->cells[row->n_cells - 1], text)) CASE_FAIL(row, "it is %s", text);
        assert_int_equal(got % CALENDAR_DAY_MS, 0);
    }
    arena_destroy(arena);
}

static void dates_are_as_listed_in_every_time_zone(void **state) {
    (void)state;
    static const char *const zones[] = {"UTC0", "XXX-14", "XXX12", "EST5EDT,M3.2.0,M11.1.0",
                                        "CET-1CEST,M3.5.0,M10.5.0/3"};
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        check_cases();
    }
    unsetenv("TZ");
    tzset();
}

/* 1800 to 2600, any millisecond. */
static int64_t any_time(struct rng *rng) {
    uint64_t any;
    rng_fill(rng, &any, sizeof any);
    return (int64_t)(any % (800ULL * 365 * 86400000)) - INT64_C(170) * 365 * CALENDAR_DAY_MS;
}

static void a_day_agrees_with_the_library(void **state) {
    (void)state;
    struct rng rng = rng_seeded(1);
    for (int i = 0; i < 20000; i++) {
        int64_t ms = any_time(&rng);
        char day[TIME_TEXT], start[TIME_TEXT];
        time_format(ms, day);
        snprintf(day + 11, sizeof day - 11, "00:00:00.000Z");
        time_format(calendar_day(ms), start);
        assert_string_equal(start, day);
        time_format(calendar_add_months(ms, 0), start);
        assert_string_equal(start, day);
    }
}

static void the_next_date_is_later_and_a_15th(void **state) {
    (void)state;
    struct rng rng = rng_seeded(2);
    for (int i = 0; i < 20000; i++) {
        int64_t ms = any_time(&rng), first = calendar_first_15th(ms), next = calendar_next_15th(ms);
        char text[CALENDAR_TEXT];
        calendar_format(first, text);
        assert_string_equal(text + 8, "15");
        calendar_format(next, text);
        assert_string_equal(text + 8, "15");
        assert_true(next > ms);
        assert_true(next - ms <= 31 * CALENDAR_DAY_MS);
        /* At least a calendar month, and never two and a day. */
        assert_true(first >= calendar_add_months(ms, 1));
        assert_true(first < calendar_add_months(ms, 1) + 31 * CALENDAR_DAY_MS);
    }
}

static void there_are_exactly_twelve_a_year(void **state) {
    (void)state;
    struct rng rng = rng_seeded(3);
    for (int i = 0; i < 2000; i++) {
        int64_t first = calendar_first_15th(any_time(&rng)), at = first;
        for (int month = 0; month < 12; month++) at = calendar_next_15th(at);
        assert_int_equal(at, calendar_next_anniversary(first, first));
    }
}

static void anniversaries_do_not_drift(void **state) {
    (void)state;
    struct rng rng = rng_seeded(4);
    for (int i = 0; i < 500; i++) {
        int64_t first = any_time(&rng), at = first;
        char bought[CALENDAR_TEXT], text[CALENDAR_TEXT];
        calendar_format(first, bought);
        for (int year = 1; year <= 130; year++) {
            int64_t next = calendar_next_anniversary(first, at);
            assert_true(next > at);
            assert_int_equal(next, calendar_add_months(first, (int64_t)year * 12));
            calendar_format(next, text);
            if (strcmp(bought + 5, "02-29") != 0)
                assert_string_equal(text + 5, bought + 5);
            else
                assert_true(!strcmp(text + 5, "02-28") || !strcmp(text + 5, "02-29"));
            at = next;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_as_listed_in_every_time_zone),
        cmocka_unit_test(a_day_agrees_with_the_library),
        cmocka_unit_test(the_next_date_is_later_and_a_15th),
        cmocka_unit_test(there_are_exactly_twelve_a_year),
        cmocka_unit_test(anniversaries_do_not_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
