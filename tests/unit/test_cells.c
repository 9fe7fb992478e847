/* cells: items as JSON and as CSV. */
#include "api/cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void write_item(struct cells *cells, const char *text) {
    const struct str names[] = {STR("a.com"), STR("b.com")};
    cells_text(cells, "text", str_of(text));
    cells_word(cells, "word", str_of(text));
    cells_time(cells, "at", 0);
    cells_time(cells, "then", 1772752187406);
    cells_int(cells, "n", -3);
    cells_bool(cells, "is", true);
    cells_money(cells, "price", 1550);
    cells_texts(cells, "names", names, 2);
    cells_texts(cells, "none", names, 0);
    cells_group(cells, "steps");
    cells_int(cells, "done", 1);
    cells_int(cells, "open", 2);
    cells_ungroup(cells);
    cells_int(cells, "last", 9);
}

/* An item with TEXT in FORM has to be EXPECTED. */
static void expect(const char *text, enum cells_form form, const char *expected) {
    struct buf buf;
    struct cells cells;
    buf_init(&buf, 10000);
    cells_begin(&cells, &buf, form);
    write_item(&cells, text);
    cells_end(&cells);
    buf_add_byte(&buf, '\0');
    assert_true(buf_ok(&buf));
    assert_string_equal(buf.p, expected);
    buf_finish(&buf);
}

static void all_forms_have_the_same_members(void **state) {
    (void)state;
    expect("x", CELLS_JSON,
           "{\"text\":\"x\",\"word\":\"x\",\"at\":null,\"then\":\"2026-03-05T23:09:47.406Z\",\"n\":-3,\"is\":true,"
           "\"price\":15.5,\"names\":[\"a.com\",\"b.com\"],\"none\":[],\"steps\":{\"done\":1,\"open\":2},\"last\":9}");
    expect("x", CELLS_NAMES, "text,word,at,then,n,is,price,names,none,steps_done,steps_open,last\r\n");
    expect("x", CELLS_CSV, "x,x,,2026-03-05T23:09:47.406Z,-3,true,15.5,a.com b.com,,1,2,9\r\n");
    expect("", CELLS_CSV, ",,,2026-03-05T23:09:47.406Z,-3,true,15.5,a.com b.com,,1,2,9\r\n");
}

static void nothing_is_null_or_empty(void **state) {
    (void)state;
    expect("", CELLS_JSON,
           "{\"text\":null,\"word\":\"\",\"at\":null,\"then\":\"2026-03-05T23:09:47.406Z\",\"n\":-3,\"is\":true,"
           "\"price\":15.5,\"names\":[\"a.com\",\"b.com\"],\"none\":[],\"steps\":{\"done\":1,\"open\":2},\"last\":9}");
}

#define REST ",,2026-03-05T23:09:47.406Z,-3,true,15.5,a.com b.com,,1,2,9\r\n"

/* RFC 4180 section 2, rules 5 to 7; formulas are shown, not worked out. */
static void cells_are_quoted_and_defused(void **state) {
    (void)state;
    const struct {
        const char *text, *cell;
    } cases[] = {
        {"a b", "a b"},
        {"a,b", "\"a,b\""},
        {"say \"x\"", "\"say \"\"x\"\"\""},
        {"a\r\nb", "\"a\r\nb\""},
        {"a\nb", "\"a\nb\""},
        {"=1+1", "'=1+1"},
        {"+1", "'+1"},
        {"-1", "'-1"},
        {"@x", "'@x"},
        {"\t=1", "'\t=1"},
        {"\r=1", "\"'\r=1\""},
        {"1=1", "1=1"},
        {"=A1,B1", "\"'=A1,B1\""},
        {"'", "'"},
        {"Ana\xc3\xafs", "Ana\xc3\xafs"},
        {"\"", "\"\"\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        snprintf(line, sizeof line, "%s,%s" REST, cases[i].cell, cases[i].cell);
        expect(cases[i].text, CELLS_CSV, line);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_forms_have_the_same_members),
        cmocka_unit_test(nothing_is_null_or_empty),
        cmocka_unit_test(cells_are_quoted_and_defused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
