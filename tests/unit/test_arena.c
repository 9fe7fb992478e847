/* arena: memory that goes at once. Run under the address sanitizer, it also shows that nothing is lost. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state) {
    (void)state;
    struct arena *arena = arena_create(0);
    unsigned char *last = arena_alloc(arena, 1);
    size_t last_size = 0;
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *p = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(p[i], 0);
        memset(p, 0xee, size);
        for (size_t i = 0; i < last_size; i++) assert_int_equal(last[i], 0xee);
        last = p;
        last_size = size;
    }
    arena_destroy(arena);
}

static void memory_is_zero_again_after_a_reset(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    char *first = arena_alloc(arena, 100);
    memset(first, 'x', 100);
    memset(arena_alloc(arena, 5000), 'x', 5000);
    arena_reset(arena);
    const char *again = arena_alloc(arena, 100);
    assert_ptr_equal(again, first); /* the first chunk is kept */
    for (int i = 0; i < 100; i++) assert_int_equal(again[i], 0);
    arena_destroy(arena);
}

static void larger_than_a_chunk_is_fine(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    memset(arena_alloc(arena, 1 << 20), 'x', 1 << 20);
    memset(arena_alloc(arena, 10), 'y', 10);
    arena_destroy(arena);
    arena_destroy(NULL);
}

static void texts_are_copied_with_a_nul_behind(void **state) {
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    char text[] = "abc";
    struct str copy = arena_str(arena, (struct str){text, 3});
    const char *c = arena_cstr(arena, (struct str){text, 2});
    text[0] = 'x';
    assert_true(str_is(copy, "abc"));
    assert_int_equal(copy.p[3], 0);
    assert_string_equal(c, "ab");
    assert_string_equal(arena_cstr(arena, STR("")), "");
    assert_int_equal(arena_str(arena, (struct str){NULL, 0}).n, 0);
    assert_true(str_is(arena_printf(arena, "%d-%s", 5, "six"), "5-six"));
    char longer[3000];
    memset(longer, 'l', sizeof longer);
    longer[2999] = '\0';
    assert_int_equal(arena_printf(arena, "%s", longer).n, 2999);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(memory_is_zero_again_after_a_reset),
        cmocka_unit_test(larger_than_a_chunk_is_fine),
        cmocka_unit_test(texts_are_copied_with_a_nul_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
