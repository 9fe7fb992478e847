/* upcoming: what will be charged day by day. */
#include "core/upcoming.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/calendar.h"

static int64_t day(const char *text) {
    char full[TIME_TEXT];
    int64_t ms = 0;
    memcpy(full, text, 10);
    memcpy(full + 10, "T00:00:00.000Z", 15);
    assert_true(time_parse(str_of(full), &ms));
    return ms;
}

static void things_of_a_day_stand_together(void **state) {
    (void)state;
    const struct upcoming_thing things[] = {
        {.kind = LINE_DOMAIN_YEAR,
         .quantity = 2,
         .unit = 1500,
         .next_ms = day("2028-02-29"),
         .first_ms = day("2024-02-29") + 5000},
        {.kind = LINE_MAILBOX_MONTH, .quantity = 3, .unit = 500, .next_ms = day("2028-02-15")},
        {.kind = LINE_MAILBOX_MONTH, .quantity = 1, .unit = 700, .next_ms = day("2028-03-15")},
        {.kind = LINE_DOMAIN_MONTH, .quantity = 1, .unit = 2000, .next_ms = day("2028-03-15")},
        {.kind = LINE_DOMAIN_YEAR,
         .quantity = 1,
         .unit = 0,
         .next_ms = day("2028-04-15"),
         .first_ms = day("2027-04-15")},
    };
    struct arena *arena = arena_create(4096);
    struct upcoming_day *days;
    size_t n;
    upcoming_days(things, ARRAY_LEN(things), day("2028-04-16"), arena, &days, &n);
    static const struct {
        const char *day;
        cents amount;
        int64_t years, months, mailboxes;
    } want[] = {
        {"2028-02-15", 1500, 0, 0, 3},
        {"2028-02-29", 3000, 2, 0, 0},
        {"2028-03-15", 1500 + 700 + 2000, 0, 1, 4},
        {"2028-04-15", 1500 + 700 + 2000, 1, 1, 4},
    };
    assert_int_equal(n, ARRAY_LEN(want));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(days[i].day_ms, day(want[i].day));
        assert_int_equal(days[i].amount, want[i].amount);
        assert_int_equal(days[i].n[LINE_DOMAIN_YEAR], want[i].years);
        assert_int_equal(days[i].n[LINE_DOMAIN_MONTH], want[i].months);
        assert_int_equal(days[i].n[LINE_MAILBOX_MONTH], want[i].mailboxes);
    }
    upcoming_days(things, 1, day("2031-01-01"), arena, &days, &n);
    assert_int_equal(n, 3);
    assert_int_equal(days[2].day_ms, day("2030-02-28"));
    upcoming_days(NULL, 0, day("2031-01-01"), arena, &days, &n);
    assert_int_equal(n, 0);
    arena_destroy(arena);
}

static void amounts_do_not_overflow(void **state) {
    (void)state;
    const struct upcoming_thing things[] = {
        {.kind = LINE_MAILBOX_MONTH, .quantity = INT64_C(1) << 40, .unit = CENTS_MAX, .next_ms = day("2028-02-15")},
        {.kind = LINE_DOMAIN_MONTH, .quantity = 1, .unit = CENTS_MAX, .next_ms = day("2028-02-15")},
    };
    struct arena *arena = arena_create(4096);
    struct upcoming_day *days;
    size_t n;
    upcoming_days(things, 2, day("2028-02-16"), arena, &days, &n);
    assert_int_equal(n, 1);
    assert_int_equal(days[0].amount, CENTS_MAX);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_of_a_day_stand_together),
        cmocka_unit_test(amounts_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
