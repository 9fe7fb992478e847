/* target: which addresses, URLs and header fields webhooks may have (cases/targets.txt), and what must hold for any. */
#include "core/target.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/ids.h"
#include "cases.h"

static const char *judge_address(struct str text, struct arena *arena) {
    unsigned char bytes[16];
    const char *address = arena_cstr(arena, text);
    if (inet_pton(AF_INET, address, bytes) == 1) return target_address_is_public(bytes, 4) ? "public" : "private";
    if (inet_pton(AF_INET6, address, bytes) == 1) return target_address_is_public(bytes, 16) ? "public" : "private";
    return "no address";
}

static const char *judge_url(struct str url) {
    const char *fault = target_url_fault(url);
    return fault ? fault : target_url_is_private(url) ? "private" : "public";
}

static const char *judge_secret(struct str url) {
    return target_url_keeps_secrets(url) ? "kept" : "readable";
}

static const char *judge_header(struct str text) {
    struct str value, name = str_cut(text, ':', &value);
    const char *fault = target_header_fault(name, str_trim(value).n ? (struct str){value.p + 1, value.n - 1} : STR(""));
    return fault ? fault : "fine";
}

static void targets_are_what_the_list_says(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    size_t n;
    const struct case_line *rows = cases_rows("targets.txt", arena, &n);
    for (size_t i = 0; i < n; i++) {
        const struct case_line *row = &rows[i];
        struct str text = cases_text(row->cells[1], arena);
        const char *verdict = str_is(row->cells[0], "address")  ? judge_address(text, arena)
                              : str_is(row->cells[0], "url")    ? judge_url(text)
                              : str_is(row->cells[0], "secret") ? judge_secret(text)
                                                                : judge_header(text);
        if (!str_is(row->cells[2], verdict)) CASE_FAIL(row, "is: %s", verdict);
    }
    assert_true(n > 100);
    arena_destroy(arena);
}

/* Whatever is public as IPv4 is so in each of its IPv6 forms, and nothing else is. */
static void forms_of_one_address_agree(void **state) {
    (void)state;
    struct rng rng = rng_seeded(1);
    for (int i = 0; i < 20000; i++) {
        unsigned char v4[4], mapped[16] = {[10] = 0xff, [11] = 0xff}, nat64[16] = {0, 0x64, 0xff, 0x9b};
        unsigned char six[16] = {0x20, 0x02};
        rng_fill(&rng, v4, sizeof v4);
        memcpy(mapped + 12, v4, 4);
        memcpy(nat64 + 12, v4, 4);
        memcpy(six + 2, v4, 4);
        bool is_public = target_address_is_public(v4, 4);
        assert_int_equal(target_address_is_public(mapped, 16), is_public);
        assert_int_equal(target_address_is_public(nat64, 16), is_public);
        assert_int_equal(target_address_is_public(six, 16), is_public);
    }
}

static void any_bytes_are_judged(void **state) {
    (void)state;
    static const char alphabet[] = "ab.:/@[]%\\?#0127f\n \xff";
    struct rng rng = rng_seeded(2);
    for (int i = 0; i < 50000; i++) {
        char text[40] = "http://";
        size_t n = 7 + rng_below(&rng, 30);
        for (size_t j = 7; j < n; j++) text[j] = alphabet[rng_below(&rng, sizeof alphabet)];
        struct str url = {text, n};
        const char *fault = target_url_fault(url);
        (void)target_url_is_private(url);
        if (memchr(text, '\n', n) || memchr(text, ' ', n) || memchr(text, '\0', n)) assert_non_null(fault);
    }
    assert_false(target_address_is_public((const unsigned char *)"", 0));
}

static void lengths_are_limited(void **state) {
    (void)state;
    static char text[3000];
    memset(text, 'a', sizeof text);
    snprintf(text, sizeof text, "https://a.com/");
    text[14] = 'a';
    assert_null(target_url_fault((struct str){text, 2048}));
    assert_non_null(target_url_fault((struct str){text, 2049}));
    memset(text + 8, 'a', 300);
    assert_non_null(target_url_fault((struct str){text, 300}));
    assert_null(target_header_fault((struct str){text + 8, 100}, (struct str){text, 1000}));
    assert_non_null(target_header_fault((struct str){text + 8, 101}, STR("")));
    assert_non_null(target_header_fault(STR("A"), (struct str){text, 1001}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_what_the_list_says),
        cmocka_unit_test(forms_of_one_address_agree),
        cmocka_unit_test(any_bytes_are_judged),
        cmocka_unit_test(lengths_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
