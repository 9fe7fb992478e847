/* mail_check: what a check of a mailbox sends and reads (cases/mail_check.txt). */
#include "cases.h"

#include "base/buf.h"
#include "driver/mailbox/mailhost/verify_message.h"
#include "driver/mailbox/mailhost/verify_words.h"

static const char token[] = "0123456789abcdef0123456789abcdef";

static struct str judge_words(struct str lines, bool is_imap, struct arena *arena) {
    static const char *const names[] = {"none", "yes", "no", "not now"};
    struct str text;
    size_t n_yes;
    enum words_kind kind = words_judge(lines, is_imap, &text, &n_yes);
    return str_trim(arena_printf(arena, "%zu %s %.*s", n_yes, names[kind], STR_ARG(text)));
}

static struct str judge_quota(struct str lines, struct arena *arena) {
    struct words_quota quota;
    if (!words_quota(lines, &quota)) return STR("none");
    return arena_printf(arena, "%lld of %lld", (long long)quota.used_kib, (long long)quota.limit_kib);
}

static struct str judge(const struct case_line *row, struct arena *arena) {
    static const char *const alignments[] = {"strict", "relaxed", "no"};
    struct str kind = row->cells[0], input = cases_text(row->cells[1], arena);
    if (str_is(kind, "address")) return str_of(check_address_is_plain(input) ? "plain" : "no");
    if (str_is(kind, "aligned"))
        return str_of(alignments[check_alignment(input, cases_text(row->cells[2], arena), arena)]);
    if (str_is(kind, "found")) return arena_printf(arena, "%u", words_found(input));
    if (str_is(kind, "uidnext")) return arena_printf(arena, "%u", words_uid_next(input));
    if (str_is(kind, "quota")) return judge_quota(input, arena);
    return judge_words(input, str_is(kind, "imap"), arena);
}

static void answers_are_read_as_the_list_says(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    size_t n;
    const struct case_line *rows = cases_rows("mail_check.txt", arena, &n);
    for (size_t i = 0; i < n; i++) {
        struct str verdict = judge(&rows[i], arena);
        if (!str_eq(rows[i].cells[rows[i].n_cells - 1], verdict)) CASE_FAIL(&rows[i], "is: %.*s", STR_ARG(verdict));
    }
    assert_true(n > 60);
    arena_destroy(arena);
}

static void the_message_is_what_others_expect(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    const int64_t now_s = 1767225599; /* 2025-12-31T23:59:59Z, a Wednesday */
    struct str message = check_message(STR("ann@a.test"), token, now_s, arena);
    assert_true(str_is(check_header(message, "from"), "<ann@a.test>"));
    assert_true(str_is(check_header(message, "To"), "<ann@a.test>"));
    assert_true(str_is(check_header(message, "Date"), "Wed, 31 Dec 2025 23:59:59 +0000"));
    assert_true(str_is(check_header(message, "Message-ID"), "<check-0123456789abcdef0123456789abcdef@a.test>"));
    assert_true(str_is(check_header(message, CHECK_FIELD), token));
    assert_true(str_is(check_header(message, "Auto-Submitted"), "auto-generated"));
    assert_true(str_is(check_imap_date(now_s, arena), "31-Dec-2025"));
    size_t width = 0;
    for (size_t i = 0; i < message.n; i++) { /* CRLF ends each line, none is too long, all is ASCII */
        if (message.p[i] == '\n')
            assert_true(i && message.p[i - 1] == '\r');
        else
            assert_true(message.p[i] == '\r' ? message.p[i + 1] == '\n' : message.p[i] >= ' ' && message.p[i] <= '~');
        width = message.p[i] == '\n' ? 0 : width + 1;
        assert_true(width < 998);
    }
    arena_destroy(arena);
}

static void header_fields_are_found(void **state) {
    (void)state;
    struct str message = STR("Subject:\r\n one\r\n\ttwo \r\nX: y\r\nsubject: later\r\nXY:z\r\n\r\nBody: not one\r\n");
    assert_true(str_is(check_header(message, "SUBJECT"), "one\r\n\ttwo"));
    assert_true(str_is(check_header(message, "X"), "y"));
    assert_true(str_is(check_header(message, "XY"), "z"));
    assert_true(str_is(check_header(message, "Body"), ""));
    assert_true(str_is(check_header(STR("X: y"), "X"), "y"));
    assert_true(str_is(check_header(STR(""), "X"), ""));
}

/* What is cut off anywhere is read without harm, and shown in one line. */
static void cut_answers_do_no_harm(void **state) {
    (void)state;
    static const char lines[] =
        "* OK [UIDNEXT 5] x\r\n* SEARCH 7\r\n* QUOTA \"\" (STORAGE 1 2)\r\nA1 NO [LIMIT] \x01\xff\r\n";
    struct arena *arena = arena_create(4096);
    for (size_t n = 0; n < sizeof lines; n++) {
        char *copy = malloc(n + 1); /* its own, so that sanitizers see what is read past it */
        assert_non_null(copy);
        memcpy(copy, lines, n);
        struct str cut = {copy, n}, text;
        struct words_quota quota;
        size_t n_yes;
        (void)words_found(cut);
        (void)words_uid_next(cut);
        (void)words_quota(cut, &quota);
        (void)words_judge(cut, true, &text, &n_yes);
        (void)words_judge(cut, false, &text, &n_yes);
        (void)check_header(cut, "*");
        free(copy);
    }
    arena_destroy(arena);
}

static void what_is_shown_is_short_and_holds_no_secret(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    const struct str secrets[] = {STR("s3cret"), STR("AGFubgBzM2NyZXQ="), STR("")};
    assert_true(str_is(words_shown(STR(" 535 no\x07\r\nway "), secrets, 3, arena), "535 no???way"));
    assert_false(str_contains(words_shown(STR("535 's3cret' is wrong"), secrets, 3, arena), "s3cret"));
    assert_false(str_contains(words_shown(STR("535 AUTH PLAIN AGFubgBzM2NyZXQ="), secrets, 3, arena), "AGFubg"));
    char long_text[1000];
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(words_shown((struct str){long_text, sizeof long_text}, secrets, 3, arena).n, WORDS_SHOWN_BYTES);
    assert_int_equal(words_shown(STR(""), secrets, 3, arena).n, 0);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read_as_the_list_says),
        cmocka_unit_test(the_message_is_what_others_expect),
        cmocka_unit_test(header_fields_are_found),
        cmocka_unit_test(cut_answers_do_no_harm),
        cmocka_unit_test(what_is_shown_is_short_and_holds_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
