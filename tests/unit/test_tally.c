/* tally: what calls of drivers are counted as. */
#include "driver/tally.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 4, CALLS = 20000 };

static struct tally shared;

static void *call_often(void *arg) {
    (void)arg;
    for (int i = 0; i < CALLS; i++) {
        (void)tally_act(&shared, tally_begin(), OUTCOME_DONE, "not read");
        (void)tally_act(&shared, tally_begin(), OUTCOME_REFUSED, "refused");
    }
    return NULL;
}

static void threads_lose_nothing(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    int64_t done = 0, refused = 0;
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, call_often, NULL), 0);
    for (int i = 0; i < CALLS; i++) {
        struct tallied taken = tally_take(&shared);
        if (i % 2) {
            tally_put_back(&shared, &taken);
            continue;
        }
        done += taken.done;
        refused += taken.refused;
        assert_true(taken.reason[0] == '\0' || strcmp(taken.reason, "refused") == 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    struct tallied rest = tally_take(&shared);
    assert_int_equal(done + rest.done, THREADS * CALLS);
    assert_int_equal(refused + rest.refused, THREADS * CALLS);
    assert_int_equal(rest.unknown, 0);
}

static void answers_are_told_apart(void **state) {
    (void)state;
    struct tally tally = {0};
    assert_int_equal(tally_act(&tally, tally_begin(), OUTCOME_DONE, "x"), OUTCOME_DONE);
    assert_int_equal(tally_act(&tally, tally_begin() - 250, OUTCOME_REFUSED, "no"), OUTCOME_REFUSED);
    assert_int_equal(tally_look(&tally, tally_begin(), OUTCOME_REFUSED, "it is not there"), OUTCOME_REFUSED);
    struct tallied taken = tally_take(&tally);
    assert_int_equal(taken.done, 2);
    assert_int_equal(taken.refused, 1);
    assert_string_equal(taken.reason, "no");
    assert_in_range(taken.slowest_ms, 250, 10250);
    assert_int_equal(tally_look(&tally, tally_begin(), OUTCOME_UNKNOWN, "silent"), OUTCOME_UNKNOWN);
    taken = tally_take(&tally);
    assert_int_equal(taken.done + taken.refused, 0);
    assert_int_equal(taken.unknown, 1);
    assert_string_equal(taken.reason, "silent");
    assert_true(taken.slowest_ms < 250);
    taken = tally_take(&tally);
    assert_int_equal(taken.unknown, 0);
    assert_string_equal(taken.reason, "");
}

static void what_is_put_back_is_counted_again(void **state) {
    (void)state;
    struct tally tally = {0};
    (void)tally_act(&tally, tally_begin() - 90, OUTCOME_UNKNOWN, "first");
    struct tallied taken = tally_take(&tally);
    (void)tally_act(&tally, tally_begin(), OUTCOME_UNKNOWN, "newer");
    tally_put_back(&tally, &taken);
    taken = tally_take(&tally);
    assert_int_equal(taken.unknown, 2);
    assert_true(taken.slowest_ms >= 90);
    assert_string_equal(taken.reason, "newer");
}

static void a_long_reason_ends_between_characters(void **state) {
    (void)state;
    struct tally tally = {0};
    char reason[2 * TALLY_REASON + 1];
    for (size_t i = 0; i < TALLY_REASON; i++) memcpy(reason + 2 * i, "\xc3\xa4", 2);
    reason[sizeof reason - 1] = '\0';
    (void)tally_act(&tally, tally_begin(), OUTCOME_UNKNOWN, reason);
    struct tallied taken = tally_take(&tally);
    assert_int_equal(strlen(taken.reason), TALLY_REASON - 2);
    assert_memory_equal(taken.reason, reason, TALLY_REASON - 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(what_is_put_back_is_counted_again),
        cmocka_unit_test(a_long_reason_ends_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
