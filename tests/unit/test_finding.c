/* What a check found, as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/finding.h"

/* Text of two of them; RET gets both. */
static struct str text_of_two(struct arena *arena, struct finding ret[2]) {
    ret[0] = (struct finding){FINDING_RECORD, STR("MX acme.com"), STR("10 mx.test."), STR("nothing"),
                              STR("say `dfyd domain repair acme.com`")};
    ret[1] = (struct finding){FINDING_MAILBOX, STR("a@acme.com"), STR("it can be used"), STR("IMAP:\tno\r\nanswer"),
                              STR("")};
    return findings_write(ret, 2, arena);
}

static struct str text_of(struct arena *arena, enum finding_kind kind, const char *subject, const char *seen) {
    const struct finding one = {kind, str_of(subject), STR("w"), str_of(seen), STR("m")};
    return findings_write(&one, 1, arena);
}

static void text_comes_back(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    struct finding two[2], *back;
    size_t n;
    findings_read(text_of_two(arena, two), arena, &back, &n);
    assert_int_equal(n, 2);
    assert_int_equal(back[1].kind, FINDING_MAILBOX);
    assert_true(str_eq(back[0].subject, two[0].subject) && str_eq(back[0].wanted, two[0].wanted));
    assert_true(str_eq(back[0].seen, two[0].seen) && str_eq(back[0].mend, two[0].mend));
    assert_true(str_is(back[1].seen, "IMAP: no  answer") && back[1].mend.n == 0);
    assert_true(str_is(finding_text(&back[0], arena), "MX acme.com: wanted 10 mx.test., seen nothing"));
    findings_read(STR(""), arena, &back, &n);
    assert_int_equal(n, 0);
    findings_read(STR("no such kind\tx\t\t\t\nrecord\t\t\t\t\nrecord\tonly this"), arena, &back, &n);
    assert_int_equal(n, 1);
    assert_true(str_is(back[0].subject, "only this"));
    arena_destroy(arena);
}

static void other_words_for_the_same_are_no_change(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    static const bool is_change[FINDING_KIND_END] = {[FINDING_RECORD] = true};
    for (int kind = 0; kind < FINDING_KIND_END; kind++) {
        struct str before = text_of(arena, (enum finding_kind)kind, "x", "timed out after 5 s");
        struct str after = text_of(arena, (enum finding_kind)kind, "x", "timed out after 6 s");
        assert_true(findings_same(before, before, arena));
        assert_int_equal(!findings_same(before, after, arena), is_change[kind]);
        assert_false(findings_same(before, text_of(arena, (enum finding_kind)kind, "y", "timed out after 5 s"), arena));
        assert_false(findings_same(before, STR(""), arena));
    }
    struct finding two[2];
    struct str text = text_of_two(arena, two);
    assert_false(findings_same(text, findings_write(two, 1, arena), arena));
    assert_false(
        findings_same(text_of(arena, FINDING_MAILBOX, "x", "s"), text_of(arena, FINDING_UNCLEAR, "x", "s"), arena));
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_back),
        cmocka_unit_test(other_words_for_the_same_are_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
