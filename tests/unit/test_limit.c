/* limit: tables of requests at certain times and what the verdicts must be. */
#include "core/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"

static const struct limits reference = {{{100, 1000}, {6000, 60000}}};
static const struct limits one_window = {{{3, 1000}}};
static const struct limits check = {{{30, 60000}, {900, 3600000}}};

struct row {
    int64_t at_ms;
    unsigned asks; /* so many at that time, all with the same outcome */
    bool passes;
    uint32_t most, left; /* of the last of them */
    int64_t reset_ms;
};

static void run(const struct limits *limits, const struct row *rows, size_t n) {
    struct allowance allowance = {0};
    const struct limited limited = {limits, &allowance};
    for (size_t i = 0; i < n; i++) {
        struct limit_verdict v = {0};
        for (unsigned j = 0; j < rows[i].asks; j++) {
            v = limit_ask(&limited, 1, rows[i].at_ms);
            if (v.passes != rows[i].passes)
                fail_msg("row %zu, ask %u at %lld: passes %d", i, j + 1, (long long)rows[i].at_ms, v.passes);
        }
        if (v.most != rows[i].most || v.left != rows[i].left || v.reset_ms != rows[i].reset_ms)
            fail_msg("row %zu: %u of %u left, reset in %lld ms", i, v.left, v.most, (long long)v.reset_ms);
    }
}

static void exactly_so_many_pass_in_a_window(void **state) {
    (void)state;
    static const struct row rows[] = {
        {5000, 1, true, 100, 99, 1000},  {5100, 98, true, 100, 1, 900},  {5999, 1, true, 100, 0, 1},
        {5999, 7, false, 100, 0, 1},     {6000, 1, true, 100, 99, 1000}, {6001, 99, true, 100, 0, 999},
        {6001, 1, false, 100, 0, 999},   {6999, 1, false, 100, 0, 1},    {7000, 100, true, 100, 0, 1000},
        {9500, 100, true, 100, 0, 1000}, {9500, 1, false, 100, 0, 1000},
    };
    run(&reference, rows, ARRAY_LEN(rows));
}

/* A window begins with its first request, not at a full second; refused requests do not count and do not begin one. */
static void a_window_begins_with_a_request_that_passes(void **state) {
    (void)state;
    static const struct row rows[] = {
        {1700, 3, true, 3, 0, 1000},  {2000, 9, false, 3, 0, 700},  {2699, 9, false, 3, 0, 1},
        {2700, 1, true, 3, 2, 1000},  {10000, 1, true, 3, 2, 1000}, {10999, 1, true, 3, 1, 1},
        {11000, 3, true, 3, 0, 1000},
    };
    run(&one_window, rows, ARRAY_LEN(rows));
}

static void the_minute_counts_beside_the_second(void **state) {
    (void)state;
    struct allowance allowance = {0};
    const struct limited limited = {&reference, &allowance};
    for (int64_t second = 0; second < 59; second++)
        for (int i = 0; i < 100; i++) assert_true(limit_ask(&limited, 1, second * 1000).passes);
    for (int i = 0; i < 50; i++) assert_true(limit_ask(&limited, 1, 59000).passes);
    for (int i = 0; i < 20; i++) assert_true(limit_ask(&limited, 1, 59000).passes);
    /* The next second has 100, the minute that ends within it fewer. */
    struct limit_verdict v = limit_ask(&limited, 1, 59990);
    assert_int_equal(v.left, 29);
    for (int i = 0; i < 29; i++) v = limit_ask(&limited, 1, 59990);
    assert_true(v.passes);
    assert_false(limit_ask(&limited, 1, 59999).passes);
    assert_true(limit_ask(&limited, 1, 60000).passes);
}

static void the_longest_wait_is_told(void **state) {
    (void)state;
    static const struct limits both = {{{2, 1000}, {2, 60000}}};
    static const struct row rows[] = {{0, 2, true, 2, 0, 60000},
                                      {10, 1, false, 2, 0, 59990},
                                      {1000, 1, false, 2, 0, 59000},
                                      {60000, 1, true, 2, 1, 60000}};
    run(&both, rows, ARRAY_LEN(rows));
}

/* A request that one of two refuses counts for neither. */
static void all_or_nothing(void **state) {
    (void)state;
    struct allowance of_all = {0}, of_call = {0};
    const struct limited limited[] = {{&reference, &of_all}, {&check, &of_call}};
    for (int i = 0; i < 30; i++) assert_true(limit_ask(limited, 2, 100).passes);
    for (int i = 0; i < 500; i++) {
        struct limit_verdict v = limit_ask(limited, 2, 200);
        assert_false(v.passes);
        assert_int_equal(v.most, 30);
        assert_int_equal(v.reset_ms, 59900);
    }
    struct limit_verdict v = limit_ask(limited, 1, 200);
    assert_true(v.passes);
    assert_int_equal(v.left, 69);
    assert_int_equal(of_all.left[1], 6000 - 31);
    assert_true(limit_ask(limited, 2, 60100).passes);
    for (int minute = 2; minute < 30; minute++)
        for (int i = 0; i < 30; i++) assert_true(limit_ask(limited, 2, 60100 + minute * 60000).passes);
    for (int i = 0; i < 29; i++) assert_true(limit_ask(limited, 2, 60100 + 30 * 60000).passes);
    v = limit_ask(limited, 2, 60100 + 31 * 60000);
    assert_false(v.passes);
    assert_int_equal(v.most, 900);
    assert_int_equal(v.reset_ms, 3600100 - (60100 + 31 * 60000));
}

static void what_is_not_limited_always_passes(void **state) {
    (void)state;
    static const struct limits none = {0}, minute_only = {{{0, 1000}, {2, 60000}}};
    struct allowance allowance = {0}, other = {0};
    const struct limited limited[] = {{&none, &allowance}, {NULL, &other}};
    for (int i = 0; i < 100000; i++) {
        struct limit_verdict v = limit_ask(limited, 2, 0);
        assert_true(v.passes && v.most == 0);
    }
    static const struct row rows[] = {{0, 2, true, 2, 0, 60000}, {1, 1, false, 2, 0, 59999}};
    run(&minute_only, rows, ARRAY_LEN(rows));
}

/* Threads read the clock before they ask: a request from a little earlier belongs to the window under way. */
static void a_clock_that_goes_back(void **state) {
    (void)state;
    static const struct row rows[] = {
        {5000, 2, true, 3, 1, 1000},  {4999, 1, true, 3, 0, 1001}, {4998, 1, false, 3, 0, 1002},
        {4000, 1, false, 3, 0, 2000}, {3999, 1, true, 3, 2, 1000}, {4998, 2, true, 3, 0, 1},
    };
    run(&one_window, rows, ARRAY_LEN(rows));
}

static void idle_when_every_window_is_over(void **state) {
    (void)state;
    struct allowance allowance = {0};
    const struct limited limited = {&reference, &allowance};
    assert_true(allowance_is_idle(&allowance, 0));
    limit_ask(&limited, 1, 10);
    assert_false(allowance_is_idle(&allowance, 60009));
    assert_true(allowance_is_idle(&allowance, 60010));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_so_many_pass_in_a_window),
        cmocka_unit_test(a_window_begins_with_a_request_that_passes),
        cmocka_unit_test(the_minute_counts_beside_the_second),
        cmocka_unit_test(the_longest_wait_is_told),
        cmocka_unit_test(all_or_nothing),
        cmocka_unit_test(what_is_not_limited_always_passes),
        cmocka_unit_test(a_clock_that_goes_back),
        cmocka_unit_test(idle_when_every_window_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
