/* backoff: waits grow, end at a ceiling and are spread. */
#include "core/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void waits_double_up_to_the_ceiling(void **state) {
    (void)state;
    assert_int_equal(backoff_ms(1, 1000, 60000, 0), 1000);
    assert_int_equal(backoff_ms(2, 1000, 60000, 0), 2000);
    assert_int_equal(backoff_ms(3, 1000, 60000, 0), 4000);
    assert_int_equal(backoff_ms(6, 1000, 60000, 0), 32000);
    assert_int_equal(backoff_ms(7, 1000, 60000, 0), 60000);
    assert_int_equal(backoff_ms(INT64_MAX, 1000, 60000, 0), 60000);
    assert_int_equal(backoff_ms(1, 90000, 60000, 0), 60000);
}

static void waits_are_spread_by_up_to_a_quarter(void **state) {
    (void)state;
    assert_int_equal(backoff_ms(1, 1000, 60000, UINT32_MAX), 751);
    assert_int_equal(backoff_ms(1, 1000, 60000, UINT32_MAX / 2 + 1), 875);
    for (uint64_t spread = 0; spread <= UINT32_MAX; spread += 1000003) {
        int64_t wait = backoff_ms(20, 1000, 60000, (uint32_t)spread);
        assert_true(wait > 45000 && wait <= 60000);
    }
}

static void nothing_overflows(void **state) {
    (void)state;
    assert_int_equal(backoff_ms(200, 1, INT64_MAX, 0), INT64_MAX);
    int64_t wait = backoff_ms(200, 3, INT64_MAX, UINT32_MAX);
    assert_true(wait >= INT64_MAX / 4 * 3 && wait < INT64_MAX);
    assert_int_equal(backoff_ms(0, 1000, 60000, 0), 1000);
    assert_int_equal(backoff_ms(-5, 1000, 60000, 0), 1000);
    assert_int_equal(backoff_ms(9, 0, 60000, 7), 0);
    assert_int_equal(backoff_ms(9, -1, 60000, 7), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_ceiling),
        cmocka_unit_test(waits_are_spread_by_up_to_a_quarter),
        cmocka_unit_test(nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
