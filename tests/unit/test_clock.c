/* clock: times as text and back. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "base/ids.h"

static const struct {
    int64_t ms;
    const char *text;
} known[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1, "1970-01-01T00:00:00.001Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {-1000, "1969-12-31T23:59:59.000Z"},
    {1772752187406, "2026-03-05T23:09:47.406Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {-62167219200000, "0000-01-01T00:00:00.000Z"},
    {253402300799999, "9999-12-31T23:59:59.999Z"},
};

static void known_times_are_written_and_read(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        char text[TIME_TEXT];
        int64_t ms;
        time_format(known[i].ms, text);
        assert_string_equal(text, known[i].text);
        assert_true(time_parse(str_of(text), &ms));
        assert_int_equal(ms, known[i].ms);
    }
}

static void any_time_comes_back(void **state) {
    (void)state;
    struct rng rng = rng_seeded(5);
    for (int i = 0; i < 100000; i++) {
        uint64_t any;
        rng_fill(&rng, &any, sizeof any);
        int64_t ms = (int64_t)(any % 253402300800000u), again;
        char text[TIME_TEXT];
        time_format(ms, text);
        assert_true(time_parse(str_of(text), &again));
        assert_int_equal(again, ms);
    }
}

static void only_real_times_in_that_form_are_read(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-03-05",
        "2026-03-05T23:09:47Z",
        "2026-03-05T23:09:47.406",
        "2026-03-05T23:09:47.406+00:00",
        "2026-03-05 23:09:47.406Z",
        "2026-03-05t23:09:47.406z",
        "2026-03-05T23:09:47.406Z ",
        "2026-02-31T00:00:00.000Z",
        "2025-02-29T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2026-00-01T00:00:00.000Z",
        "2026-01-00T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z",
        "2026-01-01T00:00:60.000Z",
        "+026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:0a.000Z",
    };
    int64_t ms = 77;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (time_parse(str_of(bad[i]), &ms)) fail_msg("%s", bad[i]);
    assert_int_equal(ms, 77);
}

static void a_manual_clock_stands_still(void **state) {
    (void)state;
    struct clock clock = clock_manual(5);
    assert_int_equal(clock_now(&clock), 5);
    clock.manual_ms = 3;
    assert_int_equal(clock_now(&clock), 3);
}

static void the_system_clock_is_in_milliseconds(void **state) {
    (void)state;
    struct clock clock = clock_system();
    int64_t before = (int64_t)time(NULL) * 1000, now = clock_now(&clock);
    assert_true(now >= before - 1000 && now < before + 60000);
}

static void a_sandboxs_clock_only_goes_forward(void **state) {
    (void)state;
    struct clock system = clock_system(), clock = clock_sandbox(1000000);
    int64_t before = clock_now(&system), now = clock_now(&clock);
    assert_true(now >= before + 1000000 && now < before + 1060000);
    clock_move(&clock, 5000000);
    clock_move(&clock, 2000000);
    now = clock_now(&clock);
    assert_true(now >= before + 5000000 && now < before + 5060000);
}

static void spans_are_added_up(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"1s", 1000},
        {"90m", 5400000},
        {"3h", 10800000},
        {"45d", INT64_C(3888000000)},
        {"2w", INT64_C(1209600000)},
        {"1y", INT64_C(31536000000)},
        {"1d12h", INT64_C(129600000)},
        {"0d1s", 1000},
        {"1s1s", 2000},
        {"100y", TIME_SPAN_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t ms = 0;
        if (!time_span_parse(str_of(good[i].text), &ms) || ms != good[i].ms)
            fail_msg("%s: %lld", good[i].text, (long long)ms);
    }
    static const char *const bad[] = {"",     "d",   "45",   "45D",  "45 d",   "-1d",    "1.5d",
                                      "0d",   "1d ", "1d12", "101y", "100y1s", "1month", "9223372036854775807s",
                                      "1d-1h"};
    int64_t ms = 77;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (time_span_parse(str_of(bad[i]), &ms)) fail_msg("%s", bad[i]);
    assert_int_equal(ms, 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_are_written_and_read),
        cmocka_unit_test(any_time_comes_back),
        cmocka_unit_test(only_real_times_in_that_form_are_read),
        cmocka_unit_test(a_manual_clock_stands_still),
        cmocka_unit_test(the_system_clock_is_in_milliseconds),
        cmocka_unit_test(a_sandboxs_clock_only_goes_forward),
        cmocka_unit_test(spans_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
