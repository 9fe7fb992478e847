/* ids: random bytes and UUIDs that sort by time. */
#include "base/ids.h"

#include <pthread.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void uuids_have_the_form_of_version_7(void **state) {
    (void)state;
    struct clock clock = clock_manual(0x0198765432ab);
    struct rng rng = rng_seeded(6);
    struct ids ids;
    char id[UUID_TEXT];
    ids_init(&ids, &clock, &rng);
    ids_uuid(&ids, id);
    assert_int_equal(strlen(id), UUID_TEXT - 1);
    assert_true(uuid_is_valid(str_of(id)));
    assert_memory_equal(id, "01987654-32ab-7", 15); /* 48 bits of milliseconds, then the version */
    assert_non_null(strchr("89ab", id[19]));        /* the variant */
}

static void later_uuids_are_greater_whatever_the_clock_does(void **state) {
    (void)state;
    struct clock clock = clock_manual(1700000000000);
    struct rng rng = rng_seeded(7);
    struct ids ids;
    char last[UUID_TEXT] = "", id[UUID_TEXT];
    ids_init(&ids, &clock, &rng);
    for (int i = 0; i < 100000; i++) {
        clock.manual_ms += (int64_t)rng_below(&rng, 5) - 2;
        ids_uuid(&ids, id);
        assert_true(strcmp(id, last) > 0);
        memcpy(last, id, sizeof id);
    }
}

enum { THREADS = 4, EACH = 20000 };

struct maker {
    struct ids *ids;
    char (*made)[UUID_TEXT];
};

static void *make_many(void *arg) {
    const struct maker *maker = arg;
    for (int i = 0; i < EACH; i++) ids_uuid(maker->ids, maker->made[i]);
    return NULL;
}

static int compare_ids(const void *a, const void *b) {
    return memcmp(a, b, UUID_TEXT);
}

static void threads_never_make_the_same(void **state) {
    (void)state;
    struct clock clock = clock_manual(1700000000000);
    struct rng rng = rng_system();
    struct ids ids;
    ids_init(&ids, &clock, &rng);
    char(*made)[UUID_TEXT] = calloc((size_t)THREADS * EACH, sizeof *made);
    assert_non_null(made);
    pthread_t threads[THREADS];
    struct maker makers[THREADS];
    for (size_t t = 0; t < THREADS; t++) {
        makers[t] = (struct maker){&ids, made + t * EACH};
        assert_int_equal(pthread_create(&threads[t], NULL, make_many, &makers[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    qsort(made, (size_t)THREADS * EACH, sizeof *made, compare_ids);
    /* Time and counter alone differ: the random half is not needed for it. */
    for (size_t i = 1; i < (size_t)THREADS * EACH; i++) assert_true(memcmp(made[i - 1], made[i], 18) < 0);
    free(made);
}

static void a_seed_gives_the_same_bytes_again(void **state) {
    (void)state;
    struct rng a = rng_seeded(42), b = rng_seeded(42), c = rng_seeded(43);
    unsigned char x[100], y[100], z[100];
    rng_fill(&a, x, sizeof x);
    rng_fill(&b, y, sizeof y);
    rng_fill(&c, z, sizeof z);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_not_equal(x, z, sizeof x);
    struct rng system = rng_system();
    rng_fill(&system, x, sizeof x);
    rng_fill(&system, y, sizeof y);
    assert_memory_not_equal(x, y, sizeof x);
}

static void numbers_below_are_even(void **state) {
    (void)state;
    struct rng rng = rng_seeded(8);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint32_t value = rng_below(&rng, 7);
        assert_true(value < 7);
        count[value]++;
    }
    for (int i = 0; i < 7; i++) assert_in_range(count[i], 9500, 10500);
    assert_int_equal(rng_below(&rng, 1), 0);
}

static void only_lower_case_uuids_are_valid(void **state) {
    (void)state;
    assert_true(uuid_is_valid(STR("01987654-32ab-7000-8000-0123456789ab")));
    static const char *const bad[] = {
        "",
        "01987654-32ab-7000-8000-0123456789a",
        "01987654-32ab-7000-8000-0123456789abc",
        "01987654-32AB-7000-8000-0123456789ab",
        "01987654032ab-7000-8000-0123456789ab",
        "0198765-432ab-7000-8000-0123456789ab",
        "01987654-32ab-7000-8000-0123456789ag",
        "{1987654-32ab-7000-8000-0123456789a}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (uuid_is_valid(str_of(bad[i]))) fail_msg("%s", bad[i]);
}

int main(void) {
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuids_have_the_form_of_version_7),
        cmocka_unit_test(later_uuids_are_greater_whatever_the_clock_does),
        cmocka_unit_test(threads_never_make_the_same),
        cmocka_unit_test(a_seed_gives_the_same_bytes_again),
        cmocka_unit_test(numbers_below_are_even),
        cmocka_unit_test(only_lower_case_uuids_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
