/* str: borrowed text. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void equality_and_order_go_by_bytes(void **state) {
    (void)state;
    assert_true(str_eq(STR(""), (struct str){NULL, 0}));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_is(STR("abc"), "abc"));
    assert_false(str_is(STR("abc\0"), "abc"));
    assert_int_equal(str_of(NULL).n, 0);
    assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_cmp(STR("\x7f"), STR("\xff")) < 0);
    assert_true(str_cmp((struct str){NULL, 0}, STR("a")) < 0);
}

static void parts_are_found(void **state) {
    (void)state;
    assert_true(str_starts(STR("abc"), "ab"));
    assert_true(str_starts(STR("abc"), ""));
    assert_false(str_starts(STR("a"), "ab"));
    assert_true(str_contains(STR("abc"), "bc"));
    assert_true(str_contains(STR("abc"), "abc"));
    assert_false(str_contains(STR("abc"), "abcd"));
    assert_false(str_contains(STR(""), "a"));
}

static void white_space_goes_at_both_ends_only(void **state) {
    (void)state;
    assert_true(str_is(str_trim(STR(" \t\r\n\v\fa b ")), "a b"));
    assert_true(str_is(str_trim(STR("  ")), ""));
    assert_true(str_is(str_trim(STR("")), ""));
    assert_true(str_is(str_trim(STR("\xc2\xa0x")), "\xc2\xa0x"));
}

static void cutting_splits_at_the_first_separator(void **state) {
    (void)state;
    struct str rest;
    assert_true(str_is(str_cut(STR("a=b=c"), '=', &rest), "a"));
    assert_true(str_is(rest, "b=c"));
    assert_true(str_is(str_cut(STR("abc"), '=', &rest), "abc"));
    assert_true(str_is(rest, ""));
    assert_true(str_is(str_cut(STR("="), '=', &rest), ""));
    assert_true(str_is(rest, ""));
    assert_true(str_is(str_cut((struct str){NULL, 0}, '=', &rest), ""));
    struct str own = STR("x,y"); /* rest may be the text itself */
    assert_true(str_is(str_cut(own, ',', &own), "x"));
    assert_true(str_is(own, "y"));
}

static void integers_are_read_within_bounds(void **state) {
    (void)state;
    int64_t n = 77;
    assert_true(str_to_int(STR("0"), INT64_MIN, INT64_MAX, &n) && n == 0);
    assert_true(str_to_int(STR("-12"), INT64_MIN, INT64_MAX, &n) && n == -12);
    assert_true(str_to_int(STR("9223372036854775807"), INT64_MIN, INT64_MAX, &n) && n == INT64_MAX);
    assert_true(str_to_int(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &n) && n == INT64_MIN);
    n = 77;
    static const char *const bad[] = {
        "", "-", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "9223372036854775808", "-9223372036854775809"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) assert_false(str_to_int(str_of(bad[i]), INT64_MIN, INT64_MAX, &n));
    assert_false(str_to_int(STR("11"), 0, 10, &n));
    assert_false(str_to_int(STR("-1"), 0, 10, &n));
    assert_int_equal(n, 77);
    assert_true(str_to_int(STR("10"), 0, 10, &n) && n == 10);
}

static void hashes_are_fnv_1a(void **state) {
    (void)state;
    assert_true(str_hash(STR("")) == 0xcbf29ce484222325u);
    assert_true(str_hash(STR("a")) == 0xaf63dc4c8601ec8cu);
    assert_true(str_hash(STR("foobar")) == 0x85944171f73967e8u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_and_order_go_by_bytes),     cmocka_unit_test(parts_are_found),
        cmocka_unit_test(white_space_goes_at_both_ends_only), cmocka_unit_test(cutting_splits_at_the_first_separator),
        cmocka_unit_test(integers_are_read_within_bounds),    cmocka_unit_test(hashes_are_fnv_1a),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
