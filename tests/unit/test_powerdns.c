/* powerdns: its presentation form and the house's, and what its settings must be, without a server. */
#include "driver/dns/powerdns/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/dns/nameservers.h"

static void values_are_read(void **state) {
    (void)state;
    static const struct {
        const char *type, *content, *value;
    } cases[] = {
        {"TXT", "\"v=spf1 a ~all\"", "v=spf1 a ~all"},
        {"TXT", "\"a\" \"b\"  \"c\"", "abc"},
        {"TXT", "\"a\"\"b\"", "ab"},
        {"TXT", "\"\"", ""},
        {"TXT", "\"\\\"\\\\\\065\"", "\"\\A"},
        {"TXT", "\"\\255\"", "\xff"},
        /* What is none is left as it stands. */
        {"TXT", "", ""},
        {"TXT", "a", "a"},
        {"TXT", "\"a", "\"a"},
        {"TXT", "\"a\\", "\"a\\"},
        {"TXT", "\"\\256\"", "\"\\256\""},
        {"TXT", "\"\\25\"", "\"\\25\""},
        {"TXT", "\"a\" b", "\"a\" b"},
        {"MX", "10 MX.Example.NET.", "10 mx.example.net."},
        {"SRV", "0 1 993 IMAP.Example.NET.", "0 1 993 imap.example.net."},
        {"CNAME", "Example.NET.", "example.net."},
        {"NS", "NS1.Example.NET.", "ns1.example.net."},
        {"AAAA", "2001:db8::10", "2001:db8::10"},
    };
    struct arena *arena = arena_create(4096);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str value = powerdns_value(cases[i].type, str_of(cases[i].content), arena);
        if (!str_is(value, cases[i].value)) fail_msg("%s: %.*s", cases[i].content, STR_ARG(value));
    }
    arena_destroy(arena);
}

/* Strings of at most 255 bytes, in printable ASCII, that mean the same bytes again. */
static void any_text_comes_back(void **state) {
    (void)state;
    struct arena *arena = arena_create(65536);
    char bytes[1024];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(unsigned char)(i * 7);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct str text = {bytes, n}, content = powerdns_content("TXT", text, arena);
        struct str strings = content;
        size_t count = 0;
        assert_true(str_eq(powerdns_value("TXT", content, arena), text));
        for (size_t i = 0; i < content.n; i++) assert_in_range(content.p[i], ' ', '~');
        for (; strings.n > 2; count++) { /* at each `" "` */
            size_t end = 2;
            while (end < strings.n && strncmp(strings.p + end - 1, "\" \"", 3) != 0) end++;
            struct str one = {strings.p, end};
            assert_true(powerdns_value("TXT", one, arena).n <= 255);
            strings = end + 1 < strings.n ? (struct str){strings.p + end + 1, strings.n - end - 1} : STR("");
        }
        assert_int_equal(count, (n + 254) / 255);
    }
    assert_true(str_is(powerdns_content("TXT", STR(""), arena), "\"\""));
    assert_true(str_is(powerdns_content("MX", STR("10 mx.net."), arena), "10 mx.net."));
    arena_destroy(arena);
}

static void names_are_plain(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    assert_true(str_is(powerdns_name(STR("WWW.Example.NET."), arena), "www.example.net"));
    assert_true(powerdns_name_is_plain(STR("_imaps._tcp.xn--1-abc.net")));
    const struct str odd[] = {STR(""),  STR("a/b"),      STR("a b"),  STR("a?b"), STR("a%2e"),
                              STR("A"), STR("\xc3\xa4"), {"a\0b", 3}, STR("*.a")};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) assert_false(powerdns_name_is_plain(odd[i]));
    arena_destroy(arena);
}

static void nameservers_are_hosts(void **state) {
    (void)state;
    struct arena *arena = arena_create(1024);
    struct str *names;
    size_t n;
    assert_null(nameservers_fault(" ns1.example.net., NS2.b\xc3\xbc"
                                  "cher.de\tns3.example.net,"));
    nameservers_read(" ns1.example.net., NS2.b\xc3\xbc"
                     "cher.de\tns3.example.net,",
                     arena, &names, &n);
    assert_int_equal(n, 3);
    assert_true(str_is(names[0], "ns1.example.net"));
    assert_true(str_is(names[1], "ns2.xn--bcher-kva.de"));
    assert_true(str_is(names[2], "ns3.example.net"));
    const char *const missing[] = {NULL, "", " , "};
    for (size_t i = 0; i < ARRAY_LEN(missing); i++)
        assert_non_null(strstr(nameservers_fault(missing[i]), "is missing"));
    const char *const wrong[] = {"localhost", "192.0.2.1", "ns1.example.net;ns2.example.net", "http://ns1.example.net"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_non_null(strstr(nameservers_fault(wrong[i]), "must be"));
    arena_destroy(arena);
}

static void half_made_zones_are_given_time(void **state) {
    (void)state;
    struct powerdns p = {.timeout_ms = 3600000, .mutex = PTHREAD_MUTEX_INITIALIZER};
    assert_false(powerdns_stays_half_made(&p, STR("a.test")));
    assert_false(powerdns_stays_half_made(&p, STR("a.test")));
    p.timeout_ms = -1; /* an hour later */
    assert_true(powerdns_stays_half_made(&p, STR("a.test")));
    assert_false(powerdns_stays_half_made(&p, STR("a.test"))); /* anew */
    assert_false(powerdns_stays_half_made(&p, STR("b.test")));
    /* Many others: the oldest are forgotten, which costs them another look. */
    struct arena *arena = arena_create(4096);
    for (int i = 0; i < POWERDNS_HALF_MADE_MAX; i++)
        assert_false(powerdns_stays_half_made(&p, arena_printf(arena, "%d.test", i)));
    assert_false(powerdns_stays_half_made(&p, STR("b.test")));
    assert_true(powerdns_stays_half_made(&p, STR("20.test")));
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(any_text_comes_back),
        cmocka_unit_test(names_are_plain),
        cmocka_unit_test(nameservers_are_hosts),
        cmocka_unit_test(half_made_zones_are_given_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
