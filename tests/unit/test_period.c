/* period: from when to when things are paid for. */
#include "core/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ids.h"
#include "base/macros.h"

static int64_t at(const char *day, const char *time) {
    char text[TIME_TEXT];
    snprintf(text, sizeof text, "%sT%sZ", day, time);
    int64_t ms = 0;
    assert_true(time_parse(str_of(text), &ms));
    return ms;
}

static int64_t midnight(const char *day) {
    return at(day, "00:00:00.000");
}

static void the_first_month_ends_on_a_15th_a_month_later_at_least(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"2026-01-01", "2026-02-15"}, {"2026-01-14", "2026-02-15"}, {"2026-01-15", "2026-02-15"},
        {"2026-01-16", "2026-03-15"}, {"2026-01-31", "2026-03-15"}, {"2028-01-31", "2028-03-15"},
        {"2026-02-28", "2026-04-15"}, {"2028-02-29", "2028-04-15"}, {"2026-11-15", "2026-12-15"},
        {"2026-11-16", "2027-01-15"}, {"2026-12-15", "2027-01-15"}, {"2026-12-16", "2027-02-15"},
        {"2026-12-31", "2027-02-15"}, {"1969-12-31", "1970-02-15"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(period_first_month(midnight(rows[i][0])), midnight(rows[i][1]));
        assert_int_equal(period_first_month(at(rows[i][0], "23:59:59.999")), midnight(rows[i][1]));
    }
}

static void a_year_ends_on_the_same_day(void **state) {
    (void)state;
    static const struct {
        const char *from;
        int64_t years;
        const char *to;
    } rows[] = {
        {"2026-03-05", 0, "2026-03-05"}, {"2026-03-05", 1, "2027-03-05"}, {"2027-03-05", 1, "2028-03-05"},
        {"2027-02-28", 1, "2028-02-28"}, {"2028-02-29", 1, "2029-02-28"}, {"2028-02-29", 3, "2031-02-28"},
        {"2028-02-29", 4, "2032-02-29"}, {"2096-02-29", 4, "2100-02-28"}, {"1996-02-29", 4, "2000-02-29"},
        {"2026-12-31", 1, "2027-12-31"}, {"2026-01-01", 1, "2027-01-01"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(period_years(midnight(rows[i].from), rows[i].years), midnight(rows[i].to));
        assert_int_equal(period_years(at(rows[i].from, "23:59:59.999"), rows[i].years), midnight(rows[i].to));
    }
}

/* Against the C library's calendar. */
static void every_day_is_the_calendars(void **state) {
    (void)state;
    struct rng rng = rng_seeded(5);
    for (int round = 0; round < 200000; round++) {
        /* Years 1901 to 9990. */
        int64_t ms = ((int64_t)rng_below(&rng, 2955000) - 25000) * PERIOD_DAY_MS + rng_below(&rng, PERIOD_DAY_MS);
        char text[TIME_TEXT], later[TIME_TEXT];
        time_format(ms, text);
        time_format(period_day(ms), later);
        memcpy(text + 11, "00:00:00.000Z", 13);
        assert_string_equal(later, text);

        time_format(period_years(ms, 1), later);
        assert_memory_equal(later + 4, strncmp(text + 5, "02-29", 5) == 0 ? "-02-28T00" : text + 4, 9);
        assert_int_equal(later[3] != text[3], 1);

        int64_t month = period_first_month(ms);
        assert_in_range((month - period_day(ms)) / PERIOD_DAY_MS, 28, 61);
        time_format(month, later);
        assert_string_equal(later + 8, "15T00:00:00.000Z");
        assert_in_range((period_next_month(month) - month) / PERIOD_DAY_MS, 28, 31);
        time_format(period_next_month(month), later);
        assert_string_equal(later + 8, "15T00:00:00.000Z");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_month_ends_on_a_15th_a_month_later_at_least),
        cmocka_unit_test(a_year_ends_on_the_same_day),
        cmocka_unit_test(every_day_is_the_calendars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
