#include "edge/book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

/* PREFIX, N, SUFFIX. */
static struct str numbered(const char *prefix, unsigned n, const char *suffix, char room[32]) {
    snprintf(room, 32, "%s%u%s", prefix, n, suffix);
    return str_of(room);
}

static void expect(struct book *book, const char *key, const char *value) {
    book_begin(book);
    const struct book_entry *entry = book_find(book, str_of(key));
    if (entry && value)
        assert_true(str_is(book_value(entry), value));
    else
        assert_true(!entry && !value);
    book_end(book);
}

static void test_put_replace_remove(void **state) {
    (void)state;
    struct book *book = book_create();
    expect(book, "a", NULL);
    book_put(book, STR("a"), STR("1"), 7);
    book_put(book, STR("b"), STR(""), 0);
    expect(book, "a", "1");
    expect(book, "b", "");
    book_put(book, STR("a"), STR("two"), 9);
    expect(book, "a", "two");
    assert_int_equal(book_count(book), 2);
    book_remove(book, STR("a"));
    book_remove(book, STR("a"));
    book_remove(book, STR("never"));
    expect(book, "a", NULL);
    expect(book, "b", "");
    assert_int_equal(book_count(book), 1);
    book_put(book, STR("a"), STR("again"), 0);
    expect(book, "a", "again");
    book_destroy(book);
    book_destroy(NULL);
}

static void test_many(void **state) {
    (void)state;
    enum { N = 20000 };
    char key[32], value[32];
    struct book *book = book_create();
    for (unsigned i = 0; i < N; i++) book_put(book, numbered("", i, ".com", key), numbered("t", i, ".net", value), 0);
    for (unsigned i = 0; i < N; i += 2) book_remove(book, numbered("", i, ".com", key));
    assert_int_equal(book_count(book), N / 2);
    for (unsigned i = 0; i < N; i++)
        expect(book, numbered("", i, ".com", key).p, i % 2 ? numbered("t", i, ".net", value).p : NULL);
    /* As often as it would need more room if what was taken out were counted. */
    for (unsigned i = 0; i < 10 * N; i++) {
        book_put(book, numbered("x", i, ".com", key), STR("y"), 0);
        book_remove(book, numbered("x", i, ".com", key));
    }
    assert_int_equal(book_count(book), N / 2);
    expect(book, "1.com", "t1.net");
    expect(book, "x1.com", NULL);
    book_destroy(book);
}

static void test_what_is_looked_at_stays(void **state) {
    (void)state;
    struct book *book = book_create();
    book_put(book, STR("a"), STR("before"), 0);
    book_begin(book);
    const struct book_entry *entry = book_find(book, STR("a"));
    book_put(book, STR("a"), STR("after"), 0);
    book_remove(book, STR("a"));
    book_tidy(book);
    assert_true(str_is(book_value(entry), "before")); /* a sanitizer would know if it were freed */
    book_end(book);
    book_tidy(book);
    expect(book, "a", NULL);
    book_destroy(book);
}

enum { LOOKERS = 3, KEYS = 50, CHANGES = 60000 };

struct shared {
    struct book *book;
    _Atomic bool is_over;
    _Atomic unsigned looks, wrong;
};

/* Each key's value is the key's number and a letter; anything else was freed or is half written. */
static void *look(void *arg) {
    struct shared *shared = arg;
    char key[32];
    for (unsigned i = 0; !atomic_load(&shared->is_over) || !atomic_load(&shared->looks); i++) {
        struct str name = numbered("", i % KEYS, ".com", key);
        book_begin(shared->book);
        const struct book_entry *entry = book_find(shared->book, name);
        if (entry) {
            struct str value = book_value(entry);
            bool is_right = value.n > 4 && !memcmp(value.p, name.p, name.n) && value.n == name.n + 1;
            if (!is_right) atomic_fetch_add(&shared->wrong, 1);
            atomic_fetch_add(&shared->looks, 1);
        } else if (i % KEYS == 0) {
            atomic_fetch_add(&shared->wrong, 1); /* this one is never taken out */
        }
        book_end(shared->book);
    }
    return NULL;
}

static void test_looking_while_it_changes(void **state) {
    (void)state;
    struct shared shared = {.book = book_create()};
    pthread_t threads[LOOKERS];
    char key[32], value[40];
    book_put(shared.book, STR("0.com"), STR("0.comz"), 0);
    for (int i = 0; i < LOOKERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, look, &shared), 0);
    for (unsigned i = 0; i < CHANGES; i++) {
        struct str name = numbered("", i * 7 % KEYS, ".com", key);
        snprintf(value, sizeof value, "%s%c", key, 'a' + (int)(i % 26));
        if (i % 3 || i * 7 % KEYS == 0)
            book_put(shared.book, name, str_of(value), 0);
        else
            book_remove(shared.book, name);
        /* and room is made now and then */
        book_put(shared.book, numbered("other", i, "", key), STR(""), 0);
        if (i % 5) book_remove(shared.book, str_of(key));
    }
    atomic_store(&shared.is_over, true);
    for (int i = 0; i < LOOKERS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_true(atomic_load(&shared.looks) > 0);
    book_destroy(shared.book);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_replace_remove),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_what_is_looked_at_stays),
        cmocka_unit_test(test_looking_while_it_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
