/* buf: bytes that grow up to a ceiling. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void appends_follow_each_other(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_true(str_is(buf_str(&buf), ""));
    BUF_LIT(&buf, "a");
    buf_add_byte(&buf, 'b');
    buf_add_int(&buf, -12);
    buf_printf(&buf, "%s-%d", "c", 7);
    buf_add(&buf, (struct str){NULL, 0});
    assert_true(buf_ok(&buf));
    assert_true(str_is(buf_str(&buf), "ab-12c-7"));
    buf_clear(&buf);
    buf_add_int(&buf, INT64_MIN);
    assert_true(str_is(buf_str(&buf), "-9223372036854775808"));
    buf_clear(&buf);
    buf_add_int(&buf, 0);
    assert_true(str_is(buf_str(&buf), "0"));
    buf_finish(&buf);
    assert_int_equal(buf.n, 0);
    assert_null(buf.p);
}

static void the_ceiling_is_exact_and_failure_sticks(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    BUF_LIT(&buf, "0123456789");
    assert_true(buf_ok(&buf));
    BUF_LIT(&buf, "");
    assert_true(buf_ok(&buf));
    buf_add_byte(&buf, 'x');
    assert_false(buf_ok(&buf));
    assert_int_equal(buf.n, 10);
    buf_clear(&buf);
    assert_true(buf_ok(&buf));
    BUF_LIT(&buf, "01234");
    BUF_LIT(&buf, "56789a");
    buf_add_byte(&buf, 'b'); /* would fit, but comes after a failure */
    assert_false(buf_ok(&buf));
    assert_true(str_is(buf_str(&buf), "01234"));
    buf_finish(&buf);
    buf_init(&buf, 0);
    buf_add_byte(&buf, 'x');
    assert_false(buf_ok(&buf));
    buf_finish(&buf);
}

static void it_grows(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 1 << 20; i++) buf_add_byte(&buf, (char)(i % 251));
    assert_true(buf_ok(&buf));
    assert_int_equal(buf.n, 1 << 20);
    for (int i = 0; i < 1 << 20; i++) assert_int_equal(buf.p[i], (char)(i % 251));
    buf_add_byte(&buf, 'x');
    assert_false(buf_ok(&buf));
    buf_finish(&buf);
}

static void reserved_room_can_be_written(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    char *to = buf_reserve(&buf, 600);
    assert_non_null(to);
    memset(to, 'r', 600);
    buf.n += 600;
    assert_null(buf_reserve(&buf, 401));
    assert_false(buf_ok(&buf));
    assert_int_equal(buf.n, 600);
    buf_finish(&buf);
}

static void json_strings_escape_what_rfc_8259_says(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 10000);
    buf_add_json(&buf, STR("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\0é€"));
    assert_true(str_is(buf_str(&buf), "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000é€\""));
    buf_clear(&buf);
    buf_add_json(&buf, STR(""));
    assert_true(str_is(buf_str(&buf), "\"\""));
    buf_clear(&buf);
    for (int c = 0; c < 0x20; c++) buf_add_json(&buf, (struct str){(const char[]){(char)c}, 1});
    for (size_t i = 0; i < buf.n; i++) assert_true((unsigned char)buf.p[i] >= 0x20);
    buf_finish(&buf);
    buf_init(&buf, 4); /* the quotes count, too */
    buf_add_json(&buf, STR("abc"));
    assert_false(buf_ok(&buf));
    buf_clear(&buf);
    buf_add_json(&buf, STR("ab"));
    assert_true(buf_ok(&buf) && str_is(buf_str(&buf), "\"ab\""));
    buf_finish(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(the_ceiling_is_exact_and_failure_sticks),
        cmocka_unit_test(it_grows),
        cmocka_unit_test(reserved_room_can_be_written),
        cmocka_unit_test(json_strings_escape_what_rfc_8259_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
