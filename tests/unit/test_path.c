/* Paths of routes, and cookies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/cookie.h"
#include "api/path.h"

static void patterns(void **state) {
    (void)state;
    static const struct {
        const char *path, *pattern, *parameter; /* NULL: does not match */
    } cases[] = {
        {"/orders", "/orders", ""},
        {"/orders/", "/orders", NULL},
        {"/order", "/orders", NULL},
        {"/orders/7", "/orders/{}", "7"},
        {"/orders/", "/orders/{}", NULL},
        {"/orders", "/orders/{}", NULL},
        {"/orders/7/x", "/orders/{}", NULL},
        {"/domains/a.com/dns", "/domains/{}/dns", "a.com"},
        {"/domains//dns", "/domains/{}/dns", NULL},
        {"/domains/a.com/b/dns", "/domains/{}/dns", NULL},
        {"/domains/dns", "/domains/{}/dns", NULL},
        {"/domains/a.com/dnssec", "/domains/{}/dns", NULL},
        {"/console/a.js", "/console/{*}", "a.js"},
        {"/console/pages/a.js", "/console/{*}", "pages/a.js"},
        {"/console/../a.js", "/console/{*}", "../a.js"},
        {"/console/", "/console/{*}", NULL},
        {"/console", "/console/{*}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str parameter = STR("");
        bool matches = path_matches(str_of(cases[i].path), cases[i].pattern, &parameter);
        if (matches != (cases[i].parameter != NULL) || (matches && !str_is(parameter, cases[i].parameter)))
            fail_msg("%s as %s: %s, \"%.*s\"", cases[i].path, cases[i].pattern, matches ? "matches" : "does not",
                     STR_ARG(parameter));
    }
}

static void escapes(void **state) {
    (void)state;
    static const struct {
        const char *segment, *text;
    } cases[] = {
        {"a%2Db", "a-b"}, {"a%2db", "a-b"}, {"%61", "a"},   {"%C3%A9", "\xc3\xa9"},
        {"%", "%"},       {"%2", "%2"},     {"%zz", "%zz"}, {"", ""},
        {"a%2Fb", "a/b"}, {"%00", "%00"},   {"%ff", "%ff"}, {"100%25", "100%"},
    };
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str text = path_decode(str_of(cases[i].segment), arena);
        if (!str_is(text, cases[i].text)) fail_msg("%s: \"%.*s\"", cases[i].segment, STR_ARG(text));
    }
}

static void cookies(void **state) {
    (void)state;
    static const struct {
        const char *header, *value;
    } cases[] = {
        {"", ""},
        {"dfyd_session=abc", "abc"},
        {"theme=dark; dfyd_session=abc", "abc"},
        {"theme=dark;dfyd_session=abc;x=y", "abc"},
        {"dfyd_session=abc; dfyd_session=def", "abc"},
        {"dfyd_session=a=b", "a=b"},
        {"dfyd_session=", ""},
        {"dfyd_session", ""},
        {"xdfyd_session=abc", ""},
        {"dfyd_sessionx=abc", ""},
        {"DFYD_SESSION=abc", ""},
        {"__Host-dfyd_session=abc", ""},
        {"a=dfyd_session=abc", ""},
        {";;; dfyd_session = abc ;", "abc"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str value = cookie_find(str_of(cases[i].header), "dfyd_session");
        if (!str_is(value, cases[i].value)) fail_msg("%s: \"%.*s\"", cases[i].header, STR_ARG(value));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(escapes),
        cmocka_unit_test(cookies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
