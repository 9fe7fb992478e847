/* similar: what is made of a name, in which order, and what is left out. */
#include "core/similar.h"

#include <string.h>

#include "cases.h"
#include "core/name.h"

static struct str *labels_of(const char *name, struct arena *arena, size_t *ret_n) {
    struct str *labels;
    similar_labels(str_of(name), arena, &labels, ret_n);
    return labels;
}

static size_t place_of(const char *label, const struct str *labels, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_is(labels[i], label)) return i;
    return n;
}

static void every_way_to_join_the_best_first(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    size_t n, again;
    const struct str *labels = labels_of("acme.com", arena, &n), *same = labels_of("acme.io", arena, &again);
    assert_in_range(n, 200, 400);
    assert_int_equal(n, again);
    for (size_t i = 0; i < n; i++) assert_true(str_eq(labels[i], same[i]));
    static const char *const in_order[] = {"acme", "getacme", "acmehq", "tryacme", "acmeapp", "get-acme", "acme-hq"};
    for (size_t i = 1; i < ARRAY_LEN(in_order); i++)
        assert_true(place_of(in_order[i - 1], labels, n) < place_of(in_order[i], labels, n));
    static const char *const all[] = {"goacme",   "myacme",     "useacme", "joinacme",  "acmeteam",
                                      "acmemail", "acmeonline", "my-acme", "acme-team", "acme-online"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (place_of(all[i], labels, n) == n) fail_msg("%s is missing", all[i]);
    arena_destroy(arena);
}

static void each_is_a_name_and_there_once(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    static const char *const names[] = {"acme.com",
                                        "a.com",
                                        "get.com",
                                        "hq.org",
                                        "acme-corp-gmbh.com",
                                        "123.com",
                                        "xn--bcher-kva.com",
                                        "xn--fiq228c.com",
                                        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff.com",
                                        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg.com"};
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        size_t n;
        const struct str *labels = labels_of(names[k], arena, &n);
        assert_true(n >= 1);
        for (size_t i = 0; i < n; i++) {
            struct str name = arena_printf(arena, "%.*s.com", STR_ARG(labels[i])), clean;
            if (!name_host(name, arena, &clean) || !str_eq(name, clean)) fail_msg("%s: %s", names[k], name.p);
            assert_int_equal(place_of(arena_cstr(arena, labels[i]), labels, n), i);
        }
    }
    arena_destroy(arena);
}

static void words_that_are_there_are_not_doubled(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    size_t n;
    const struct str *labels = labels_of("getacmehq.com", arena, &n);
    assert_int_equal(place_of("getgetacmehq", labels, n), n);
    assert_int_equal(place_of("getacmehqhq", labels, n), n);
    assert_int_equal(place_of("getacmehq-hq", labels, n), n);
    assert_true(place_of("trygetacmehq", labels, n) < n);
    arena_destroy(arena);
}

static void hyphens_go_with_hyphens(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    size_t n;
    const struct str *labels = labels_of("acme-corp.com", arena, &n);
    assert_true(str_is(labels[0], "acme-corp") && str_is(labels[1], "acmecorp"));
    assert_true(place_of("getacmecorp", labels, n) < n && place_of("get-acme-corp", labels, n) < n);
    assert_int_equal(place_of("getacme-corp", labels, n), n);
    arena_destroy(arena);
}

static void international_names_are_joined_as_people_read_them(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    size_t n;
    const struct str *labels = labels_of("xn--bcher-kva.com", arena, &n);
    struct str wanted;
    assert_true(name_host(STR("getb\xc3\xbc"
                              "cher.com"),
                          arena, &wanted));
    assert_true(place_of(arena_cstr(arena, name_label(wanted)), labels, n) < n);
    arena_destroy(arena);
}

static void the_name_in_a_text(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"acme.com", "acme.com"},
        {" Acme.COM. ", "acme.com"},
        {"acme.io", "acme.io"},
        {"acme", "acme.com"},
        {"Acme Corp", NULL},
        {"www.acme.com", "acme.com"},
        {"a.b.acme.co.uk", "acme.co.uk"},
        {"b\xc3\xbc"
         "cher.de",
         "xn--bcher-kva.de"},
        {"", NULL},
        {" ", NULL},
        {".", NULL},
        {"com.", NULL},
        {"co.uk", NULL},
        {"https://acme.com", NULL},
        {"acme.com:80", NULL},
        {"acme.com/x", NULL},
        {"1.2.3.4", NULL},
        {"acme_corp.com", NULL},
        {"-acme.com", NULL},
        {"acme.nosuchtld", NULL},
        {"\xf0\x9f\x98\x80.com", NULL},
    };
    struct arena *arena = arena_create(4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str name = STR("");
        bool ok = similar_name(str_of(rows[i][0]), arena, &name);
        if (ok != (rows[i][1] != NULL) || (ok && !str_is(name, rows[i][1])))
            fail_msg("\"%s\" gives \"%.*s\"", rows[i][0], STR_ARG(name));
    }
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_join_the_best_first),
        cmocka_unit_test(each_is_a_name_and_there_once),
        cmocka_unit_test(words_that_are_there_are_not_doubled),
        cmocka_unit_test(hyphens_go_with_hyphens),
        cmocka_unit_test(international_names_are_joined_as_people_read_them),
        cmocka_unit_test(the_name_in_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
