/* limiter: many workspaces in a table that does not grow, and many threads that ask for one. */
#include "api/limiter.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/ids.h"
#include "base/macros.h"

enum { MILLION = 1000000, THREADS = 4, LOOPS = 2000000 };

static const struct limits reference = {{{100, 1000}, {6000, 60000}}};
static const struct limits check = {{{30, 60000}, {900, 3600000}}};

static struct str id_of(unsigned i, char id[UUID_TEXT]) {
    snprintf(id, UUID_TEXT, "019a0%03x-%04x-7%03x-8000-%012x", i >> 20 & 0xfff, i & 0xffff, i >> 8 & 0xfff, i);
    return (struct str){id, UUID_TEXT - 1};
}

static void workspaces_do_not_share(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create();
    char a[UUID_TEXT], b[UUID_TEXT];
    struct str one = id_of(1, a), two = id_of(2, b);
    for (int i = 0; i < 100; i++) assert_true(limiter_ask(limiter, one, &reference, 0, NULL, 5).passes);
    assert_false(limiter_ask(limiter, one, &reference, 0, NULL, 5).passes);
    assert_true(limiter_ask(limiter, two, &reference, 0, NULL, 5).passes);
    assert_true(limiter_ask(limiter, one, &reference, 0, NULL, 1005).passes);
    limiter_destroy(limiter);
}

static void routes_have_their_own_count(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create();
    char a[UUID_TEXT];
    struct str one = id_of(1, a);
    for (int i = 0; i < 30; i++) assert_true(limiter_ask(limiter, one, &reference, 7, &check, 5).passes);
    assert_false(limiter_ask(limiter, one, &reference, 7, &check, 5).passes);
    assert_true(limiter_ask(limiter, one, &reference, 8, &check, 5).passes);
    struct limit_verdict v = limiter_ask(limiter, one, &reference, 0, NULL, 5);
    assert_int_equal(v.left, 100 - 32);
    limiter_destroy(limiter);
}

/* One that is at its limit is refused, whoever else comes; the table takes a few megabytes all the while. */
static void a_million_workspaces(void **state) {
    (void)state;
    assert_in_range(limiter_size(), 1, 5 << 20);
    struct limiter *limiter = limiter_create();
    char a[UUID_TEXT], id[UUID_TEXT];
    struct str busy = id_of(MILLION + 7, a);
    for (int i = 0; i < 100; i++) assert_true(limiter_ask(limiter, busy, &reference, 3, NULL, 0).passes);
    for (unsigned i = 0; i < MILLION; i++) {
        assert_true(limiter_ask(limiter, id_of(i, id), &reference, 3, i % 2 ? &check : NULL, 0).passes);
        if (i % 1000 == 0) assert_false(limiter_ask(limiter, busy, &reference, 3, NULL, 999).passes);
    }
    assert_false(limiter_ask(limiter, busy, &reference, 3, NULL, 999).passes);
    assert_true(limiter_ask(limiter, busy, &reference, 3, NULL, 1000).passes);
    limiter_destroy(limiter);
}

/* As many as fit, asked evenly, are all remembered. */
static void no_live_place_is_taken_while_an_idle_one_is_left(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create();
    char id[UUID_TEXT];
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < LIMITER_PLACES / 8; i++) {
            struct limit_verdict v = limiter_ask(limiter, id_of(i, id), &reference, 0, NULL, 120000 * (int64_t)round);
            assert_int_equal(v.left, 99);
        }
    unsigned forgotten = 0;
    for (unsigned i = 0; i < LIMITER_PLACES / 8; i++)
        forgotten += limiter_ask(limiter, id_of(i, id), &reference, 0, NULL, 240000).left != 98;
    assert_in_range(forgotten, 0, 4); /* an eighth full: hardly a set of eight is asked to hold nine */
    limiter_destroy(limiter);
}

struct crowd {
    struct limiter *limiter;
    atomic_int passed;
};

static void *ask_often(void *arg) {
    struct crowd *crowd = arg;
    char a[UUID_TEXT];
    struct str one = id_of(5, a);
    for (int i = 0; i < 20000; i++)
        if (limiter_ask(crowd->limiter, one, &reference, 1, NULL, 10 + i % 3).passes)
            atomic_fetch_add(&crowd->passed, 1);
    return NULL;
}

static void threads_share_one_count(void **state) {
    (void)state;
    struct crowd crowd = {.limiter = limiter_create()};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.passed), 100);
    limiter_destroy(crowd.limiter);
}

/* Printed, not judged: machines differ. */
static void what_asking_costs(void **state) {
    (void)state;
    struct limiter *limiter = limiter_create();
    char a[UUID_TEXT];
    struct str one = id_of(5, a);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    uint64_t left = 0;
    for (int64_t i = 0; i < LOOPS; i++) left += limiter_ask(limiter, one, &reference, 1, NULL, i / 100 * 1000).left;
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    printf("          %.0f ns for a request\n", ns / LOOPS);
    assert_true(left > 0);
    limiter_destroy(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workspaces_do_not_share), cmocka_unit_test(routes_have_their_own_count),
        cmocka_unit_test(a_million_workspaces),    cmocka_unit_test(no_live_place_is_taken_while_an_idle_one_is_left),
        cmocka_unit_test(threads_share_one_count), cmocka_unit_test(what_asking_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
