/* restricted: the lists that come with the program (cases/restricted.txt) and lists of an operator's own. */
#include "core/restricted.h"

#include <string.h>
#include <time.h>

#include "base/ids.h"
#include "cases.h"
#include "core/name.h"

static void names_are_refused_as_listed(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct restricted *restricted = restricted_create_default(NULL, 0);
    size_t n, n_refused = 0;
    const struct case_line *rows = cases_rows("restricted.txt", arena, &n);
    for (size_t i = 0; i < n; i++) {
        struct str keyword = STR("untouched"), want = rows[i].cells[1];
        bool found = restricted_match(restricted, STR(""), rows[i].cells[0], &keyword);
        n_refused += found;
        if (found != !str_is(want, "-"))
            CASE_FAIL(&rows[i], found ? "is refused for %.*s" : "passes", STR_ARG(keyword));
        if (str_is(want, "-"))
            want = STR("untouched");
        else if (str_is(want, "block list"))
            want = STR("");
        if (!str_eq(keyword, want)) CASE_FAIL(&rows[i], "the keyword is '%.*s'", STR_ARG(keyword));
    }
    /* Fewer would not show much. */
    assert_in_range(n_refused, 200, n - 200);
    restricted_destroy(restricted);
    arena_destroy(arena);
}

static bool refused(const struct restricted *restricted, const char *name, const char *keyword) {
    struct str found = STR("none");
    bool ret = restricted_match(restricted, STR(""), str_of(name), &found);
    if (!str_is(found, keyword)) print_error("%s: %.*s\n", name, STR_ARG(found));
    assert_true(str_is(found, keyword));
    return ret;
}

static void own_lists_are_read_leniently_and_copied(void **state) {
    (void)state;
    char keywords[] = "# ours\r\n  Long-Word # a comment\n\nab\n---\nlongwordly\n",
         domains[] = "One.COM\n#two.com\nthree.com";
    struct restricted *restricted = restricted_create(&(struct restricted_lists){
        .keywords = str_of(keywords), .domains = str_of(domains), .lookalikes = STR("l 1\n")});
    memset(keywords, 'x', sizeof keywords - 1);
    memset(domains, 'x', sizeof domains - 1);
    assert_true(refused(restricted, "mylongword.com", "longword"));
    assert_true(refused(restricted, "long-wordly.com", "longword"));
    assert_true(refused(restricted, "x-ab-y.com", "ab"));
    assert_true(refused(restricted, "ab.com", "ab"));
    assert_false(refused(restricted, "abc.com", "none"));
    assert_true(refused(restricted, "one.com", ""));
    assert_true(refused(restricted, "three.com", ""));
    assert_false(refused(restricted, "two.com", "none"));
    assert_false(refused(restricted, "xxx.com", "none"));
    restricted_destroy(restricted);
}

static void empty_lists_refuse_nothing(void **state) {
    (void)state;
    struct restricted *restricted = restricted_create(&(struct restricted_lists){0});
    assert_false(refused(restricted, "google.com", "none"));
    assert_false(refused(restricted, "-.com", "none"));
    restricted_destroy(restricted);
    restricted_destroy(NULL);
}

/* Overlapping keywords over a tiny alphabet, against searching for each of them in turn. */
static void one_pass_finds_what_plain_search_finds(void **state) {
    (void)state;
    static const char *const words[] = {"aabaab", "abaaba",  "bbbbbb",     "aabbaabb",
                                        "baabaa", "abababa", "babbaabbab", "bbaabb"};
    struct restricted *restricted = restricted_create(&(struct restricted_lists){
        .keywords = STR("aabaab\nabaaba\nbbbbbb\naabbaabb\nbaabaa\nabababa\nbabbaabbab\nbbaabb\n")});
    struct rng rng = rng_seeded(3);
    int found = 0;
    for (int round = 0; round < 50000; round++) {
        char name[32];
        size_t n = 1 + rng_below(&rng, 20);
        for (size_t i = 0; i < n; i++) name[i] = rng_below(&rng, 2) ? 'a' : 'b';
        struct str label = {name, n}, keyword = STR(""), want = STR("");
        /* The first to end, and the longest of those. */
        for (size_t end = 1; end <= n && !want.n; end++)
            for (size_t w = 0; w < ARRAY_LEN(words); w++) {
                size_t len = strlen(words[w]);
                if (len <= end && memcmp(name + end - len, words[w], len) == 0 && len > want.n) want = str_of(words[w]);
            }
        memcpy(name + n, ".com", 4);
        label.n += 4;
        assert_int_equal(restricted_match(restricted, STR(""), label, &keyword), want.n > 0);
        assert_true(str_eq(keyword, want));
        found += want.n > 0;
    }
    assert_in_range(found, 1000, 49000);
    restricted_destroy(restricted);
}

#define WORKSPACE "0199a000-0000-7000-8000-000000000001"

static bool refused_for(const struct restricted *restricted, const char *workspace_id, const char *name) {
    struct str keyword;
    return restricted_match(restricted, str_of(workspace_id), str_of(name), &keyword);
}

static void an_operators_entries_count_more_than_the_lists(void **state) {
    (void)state;
    const struct restriction own[] = {
        {STR("acmeworks"), STR(""), false}, {STR("=acmehouse"), STR(""), false},
        {STR("mine.com"), STR(""), false},  {STR("google"), STR(""), true},
        {STR("apple"), STR(""), true},      {STR("paypal-shop.com"), STR(""), true},
        {STR("hotmall"), STR(""), false},   {STR("seen-in-phishing.com"), STR(""), true},
    };
    struct restricted *restricted = restricted_create_default(own, ARRAY_LEN(own));
    assert_true(refused(restricted, "getacmew0rks.com", "acmeworks"));
    assert_true(refused(restricted, "get-acmehouse.com", "acmehouse"));
    assert_false(refused(restricted, "getacmehouse.com", "none"));
    assert_true(refused(restricted, "mine.com", ""));
    assert_false(refused(restricted, "mine.org", "none"));
    assert_false(refused(restricted, "mygoogle.com", "none"));
    assert_false(refused(restricted, "get-apple.com", "none"));
    assert_false(refused(restricted, "paypal-shop.com", "none"));
    assert_true(refused(restricted, "paypal-shop.org", "paypal"));
    assert_true(refused(restricted, "hotmall.com", "hotmall"));
    assert_false(refused(restricted, "seen-in-phishing.com", "none"));
    restricted_destroy(restricted);
}

static void the_holder_of_a_mark_may_use_it(void **state) {
    (void)state;
    const struct restriction own[] = {
        {STR("acmeworks"), STR(""), false},
        {STR("acmeworks"), STR(WORKSPACE), true},
        {STR("paypal.com"), STR(WORKSPACE), true},
        {STR("dell"), STR(WORKSPACE), true},
    };
    struct restricted *restricted = restricted_create_default(own, ARRAY_LEN(own));
    static const char *const theirs[] = {"acmeworks.com", "get-acmeworks.com", "myacmeworks-hq.org",
                                         "paypal.com",    "dell.com",          "try-dell.com"};
    for (size_t i = 0; i < ARRAY_LEN(theirs); i++) {
        assert_false(refused_for(restricted, WORKSPACE, theirs[i]));
        assert_true(refused_for(restricted, "0199a000-0000-7000-8000-000000000002", theirs[i]));
        assert_true(refused_for(restricted, "", theirs[i]));
    }
    static const char *const nobodys[] = {"acmew0rks.com", "acmeworks-google.com", "paypal.org", "de11.com",
                                          "get-paypal.com"};
    for (size_t i = 0; i < ARRAY_LEN(nobodys); i++) assert_true(refused_for(restricted, WORKSPACE, nobodys[i]));
    restricted_destroy(restricted);
}

static void entries_are_cleaned(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"Acme", "acme"},
        {" acme-works ", "acmeworks"},
        {"=Acme", "=acme"},
        {"Acme.COM", "acme.com"},
        {"b\xc3\xbc.com", "xn--b-eha.com"},
        {"3m", "3m"},
        {"", NULL},
        {"a", NULL},
        {"=", NULL},
        {"a b", NULL},
        {"acm\xc3\xa9", NULL},
        {"a_b", NULL},
        {"http://acme.com", NULL},
        {"a..b", NULL},
        {"ac=me", NULL},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
    };
    struct arena *arena = arena_create(4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str entry = STR("");
        struct error error = {0};
        bool ok = restriction_clean(str_of(rows[i][0]), arena, &entry, &error);
        if (ok != (rows[i][1] != NULL) || (ok && !str_is(entry, rows[i][1])))
            fail_msg("\"%s\" gives \"%.*s\"", rows[i][0], STR_ARG(entry));
        if (!ok) assert_int_equal(error.code, ERR_INVALID);
    }
    arena_destroy(arena);
}

/* As long as labels get, and as many hyphens: a pass stays far below a microsecond for ordinary names. */
static void matching_is_fast(void **state) {
    (void)state;
    enum { ROUNDS = 200000, LIMIT_NS = 5000 }; /* generous: also under sanitizers */
    struct restricted *restricted = restricted_create_default(NULL, 0);
    struct str keyword, name = STR("a-name-with-many-hyphens-and-aapplea-paypalpaypa-openairair-end.com");
    int64_t quickest = INT64_MAX; /* of a virtual machine, what it stands still may be counted, too */
    for (int turn = 0; turn < 3; turn++) {
        struct timespec from, to;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (int i = 0; i < ROUNDS; i++) assert_true(restricted_match(restricted, STR(WORKSPACE), name, &keyword));
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        int64_t ns = (to.tv_sec - from.tv_sec) * 1000000000LL + (to.tv_nsec - from.tv_nsec);
        if (ns < quickest) quickest = ns;
    }
    assert_in_range(quickest / ROUNDS, 0, LIMIT_NS);
    restricted_destroy(restricted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_refused_as_listed),
        cmocka_unit_test(own_lists_are_read_leniently_and_copied),
        cmocka_unit_test(empty_lists_refuse_nothing),
        cmocka_unit_test(an_operators_entries_count_more_than_the_lists),
        cmocka_unit_test(the_holder_of_a_mark_may_use_it),
        cmocka_unit_test(entries_are_cleaned),
        cmocka_unit_test(matching_is_fast),
        cmocka_unit_test(one_pass_finds_what_plain_search_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
