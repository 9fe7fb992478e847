/* name: names as people send them (cases/names.txt), and what must hold for any bytes. */
#include "core/name.h"

#include <libpsl.h>
#include <string.h>

#include "base/ids.h"
#include "cases.h"

static void names_are_what_the_list_says(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    size_t n;
    const struct case_line *rows = cases_rows("names.txt", arena, &n);
    for (size_t i = 0; i < n; i++) {
        const struct case_line *row = &rows[i];
        struct str sent = cases_text(row->cells[0], arena), name = STR("untouched");
        struct str want = row->n_cells > 2 ? row->cells[2] : sent;
        bool ok = name_host(sent, arena, &name);
        if (str_is(row->cells[1], "bad")) {
            if (ok) CASE_FAIL(row, "passed as %.*s", STR_ARG(name));
            if (!str_is(name, "untouched")) CASE_FAIL(row, "the result was written");
            continue;
        }
        if (!ok) CASE_FAIL(row, "was refused");
        if (!str_eq(name, want)) CASE_FAIL(row, "became %.*s", STR_ARG(name));
        bool domain = str_is(row->cells[1], "domain");
        if (!domain && !str_is(row->cells[1], "host")) CASE_FAIL(row, "say domain, host or bad");
        if (name_is_registrable(name) != domain) CASE_FAIL(row, "is%s a domain", domain ? " not" : "");
        struct str unicode = name_unicode(name, arena), want_unicode = row->n_cells > 3 ? row->cells[3] : name;
        if (!str_eq(unicode, want_unicode)) CASE_FAIL(row, "reads as %.*s", STR_ARG(unicode));
    }
    arena_destroy(arena);
}

static void parts_are_split_at_the_first_dot(void **state) {
    (void)state;
    assert_true(str_is(name_label(STR("shop.co.uk")), "shop"));
    assert_true(str_is(name_extension(STR("shop.co.uk")), "co.uk"));
    assert_true(str_is(name_label(STR("brightforge.com")), "brightforge"));
    assert_true(str_is(name_extension(STR("brightforge.com")), "com"));
}

static void total_length_is_limited(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    char text[300];
    memset(text, 'a', sizeof text);
    for (size_t i = 49; i < sizeof text; i += 50) text[i] = '.';
    struct str name;
    assert_true(name_host((struct str){text, NAME_MAX_BYTES}, arena, &name));
    assert_int_equal(name.n, NAME_MAX_BYTES);
    assert_false(name_host((struct str){text, NAME_MAX_BYTES + 1}, arena, &name));
    assert_false(name_host((struct str){text, 299}, arena, &name));
    arena_destroy(arena);
}

/* The shortcut for the three large registries must say what the public suffix list says. */
static void shortcut_agrees_with_the_list(void **state) {
    (void)state;
    const psl_ctx_t *psl = psl_builtin();
    assert_non_null(psl);
    static const char *const labels[] = {"br",  "co", "com", "gov", "edu",        "net",
                                         "org", "us", "www", "a",   "brightforge"};
    static const char *const extensions[] = {"com", "org", "net", "co"};
    struct arena *arena = arena_create(4096);
    for (size_t e = 0; e < ARRAY_LEN(extensions); e++) {
        assert_false(name_is_registrable(str_of(extensions[e])));
        for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
            for (size_t j = 0; j <= ARRAY_LEN(labels); j++) {
                struct str name = j < ARRAY_LEN(labels)
                                      ? arena_printf(arena, "%s.%s.%s", labels[i], labels[j], extensions[e])
                                      : arena_printf(arena, "%s.%s", labels[i], extensions[e]);
                const int type = PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE;
                bool want = psl_is_public_suffix2(psl, strchr(name.p, '.') + 1, type) &&
                            !psl_is_public_suffix2(psl, name.p, type);
                if (name_is_registrable(name) != want) fail_msg("%s", name.p);
            }
        }
    }
    arena_destroy(arena);
}

/* Pieces from which names and near-names are made. */
static const char *const pieces[] = {"a", "b-c",          "-",  "--", ".",    ".com", "xn--", "xn--mnchen-3ya",
                                     "ü", "\xcc\x88",     "日", "ß",  "\xff", "1",    "0",    "0x",
                                     "_", "\xe2\x80\x8d", "A",  "。", "ａ",   "א",    " ",    "/"};

static void any_accepted_name_is_clean_and_stays_itself(void **state) {
    (void)state;
    struct rng rng = rng_seeded(2);
    struct arena *arena = arena_create(4096);
    int accepted = 0;
    for (int round = 0; round < 50000; round++) {
        arena_reset(arena);
        char text[128];
        size_t n = 0;
        for (uint32_t i = 0, count = 1 + rng_below(&rng, 6); i < count; i++) {
            const char *piece = pieces[rng_below(&rng, ARRAY_LEN(pieces))];
            while (*piece) text[n++] = *piece++;
        }
        struct str name, again;
        if (!name_host((struct str){text, n}, arena, &name)) continue;
        accepted++;
        assert_true(name.n <= NAME_MAX_BYTES);
        assert_non_null(memchr(name.p, '.', name.n));
        for (size_t i = 0; i < name.n; i++) {
            char c = name.p[i];
            assert_true((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.');
        }
        assert_true(name_host(name, arena, &again));
        assert_true(str_eq(name, again));
        /* What people read must lead back to the same name. */
        assert_true(name_host(name_unicode(name, arena), arena, &again));
        assert_true(str_eq(name, again));
        (void)name_is_registrable(name);
    }
    assert_true(accepted > 1000);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_what_the_list_says),
        cmocka_unit_test(parts_are_split_at_the_first_dot),
        cmocka_unit_test(total_length_is_limited),
        cmocka_unit_test(shortcut_agrees_with_the_list),
        cmocka_unit_test(any_accepted_name_is_clean_and_stays_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
