/* registrar: asking about many names, over a driver that has to wait for each round. */
#include "driver/registrar/registrar.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NAMES_MAX = 1000 };

struct slow {
    struct registrar base;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t rounds, names, wanted; /* a round ends only once `wanted` are under way: together, or never */
};

/* A name that begins with t is taken; one that begins with u is never answered. */
static enum outcome check(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                          struct answer *answer) {
    struct slow *slow = (struct slow *)r;
    pthread_mutex_lock(&slow->mutex);
    slow->rounds++;
    slow->names += n;
    pthread_cond_broadcast(&slow->changed);
    while (slow->rounds < slow->wanted) pthread_cond_wait(&slow->changed, &slow->mutex);
    pthread_mutex_unlock(&slow->mutex);
    for (size_t i = 0; i < n; i++) {
        if (names[i].p[0] == 'u') return answer_set(answer, OUTCOME_UNKNOWN, "no answer");
        ret_taken[i] = names[i].p[0] == 't';
    }
    return OUTCOME_DONE;
}

static const struct registrar_ops slow_ops = {.name = "slow", .check = check};
static const struct registrar_ops instant_ops = {.name = "instant", .check_is_instant = true, .check = check};

static struct slow slow_create(const struct registrar_ops *ops, size_t wanted) {
    return (struct slow){
        .base = {ops}, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .wanted = wanted};
}

static void ask(const struct registrar_ops *ops, size_t n, size_t rounds) {
    struct slow slow = slow_create(ops, rounds);
    struct str names[NAMES_MAX];
    bool taken[NAMES_MAX];
    for (size_t i = 0; i < n; i++) names[i] = i % 3 ? STR("free.com") : STR("taken.com");
    assert_int_equal(registrar_check_many(&slow.base, names, n, taken, NULL), OUTCOME_DONE);
    for (size_t i = 0; i < n; i++) assert_int_equal(taken[i], i % 3 == 0);
    assert_int_equal(slow.rounds, rounds);
    assert_int_equal(slow.names, n);
}

static void many_names_are_asked_about_in_parallel(void **state) {
    (void)state;
    ask(&slow_ops, 1, 1);
    ask(&slow_ops, 50, 1);
    ask(&slow_ops, 51, 2);
    ask(&slow_ops, 200, 4);
    ask(&slow_ops, NAMES_MAX, 8);
    ask(&instant_ops, NAMES_MAX, 1);
}

static void one_silent_part_leaves_the_whole_unknown(void **state) {
    (void)state;
    for (size_t at = 0; at < 200; at += 66) {
        struct slow slow = slow_create(&slow_ops, 4);
        struct str names[200];
        bool taken[200];
        struct answer answer = {0};
        for (size_t i = 0; i < 200; i++) names[i] = i == at ? STR("unsure.com") : STR("free.com");
        assert_int_equal(registrar_check_many(&slow.base, names, 200, taken, &answer), OUTCOME_UNKNOWN);
        assert_string_equal(answer.reason, "no answer");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_names_are_asked_about_in_parallel),
        cmocka_unit_test(one_silent_part_leaves_the_whole_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
