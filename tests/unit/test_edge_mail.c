#include "edge/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

static const struct mail_host host = {{"mx.dfy.test", 11}, MTA_STS_TESTING};

static void test_names(void **state) {
    static const struct {
        const char *host;
        enum mail_name name;
        const char *domain;
    } cases[] = {
        {"mta-sts.a.com", MAIL_STS, "a.com"},
        {"autoconfig.a.com", MAIL_AUTOCONFIG, "a.com"},
        {"autodiscover.b.org", MAIL_AUTODISCOVER, "b.org"},
        {"mta-sts.", MAIL_STS, ""},
        {"a.com", MAIL_NONE, NULL},
        {"mta-stsa.com", MAIL_NONE, NULL},
        {"", MAIL_NONE, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str domain = STR("");
        assert_int_equal(mail_name_of(str_of(cases[i].host), &domain), cases[i].name);
        if (cases[i].domain) assert_true(str_is(domain, cases[i].domain));
    }
}

/* The document, "" when there is none. */
static const char *made(const struct mail_host *of, enum mail_name name, const char *path, const char *body) {
    static char text[4096];
    const char *type = NULL;
    struct buf out;
    buf_init(&out, sizeof text);
    bool ok = mail_document(of, name, STR("a.com"), str_of(path), str_of(body), &out, &type);
    assert_true(buf_ok(&out) && out.n < sizeof text && (ok ? type != NULL && out.n > 0 : out.n == 0));
    if (out.n) memcpy(text, out.p, out.n);
    text[out.n] = '\0';
    buf_finish(&out);
    return text;
}

static void test_policy(void **state) {
    (void)state;
    assert_string_equal(made(&host, MAIL_STS, ".well-known/mta-sts.txt", ""),
                        "version: STSv1\r\nmode: testing\r\nmx: mx.dfy.test\r\nmax_age: 86400\r\n");
    const struct mail_host enforced = {host.name, MTA_STS_ENFORCE}, off = {host.name, MTA_STS_OFF},
                           none = {STR(""), MTA_STS_ENFORCE};
    assert_string_equal(made(&enforced, MAIL_STS, ".well-known/mta-sts.txt", ""),
                        "version: STSv1\r\nmode: enforce\r\nmx: mx.dfy.test\r\nmax_age: 604800\r\n");
    assert_string_equal(made(&off, MAIL_STS, ".well-known/mta-sts.txt", ""), "");
    assert_string_equal(made(&none, MAIL_STS, ".well-known/mta-sts.txt", ""), "");
    assert_string_equal(made(&host, MAIL_STS, ".Well-known/mta-sts.txt", ""), "");
    assert_string_equal(made(&host, MAIL_STS, "mail/config-v1.1.xml", ""), "");
    assert_string_equal(made(&host, MAIL_NONE, ".well-known/mta-sts.txt", ""), "");
}

static bool has_login(const char *body, const char *login) {
    char element[200];
    snprintf(element, sizeof element, "<LoginName>%s</LoginName>", login ? login : "");
    const char *text = made(&host, MAIL_AUTODISCOVER, "Autodiscover/Autodiscover.XML", body);
    assert_non_null(strstr(text, "<Type>IMAP</Type><Server>mx.dfy.test</Server><Port>993</Port>"));
    return login ? strstr(text, element) != NULL : strstr(text, "<LoginName>") != NULL;
}

static void test_autodiscover_shows_no_more_than_the_own_address(void **state) {
    (void)state;
    assert_true(has_login("<x><EMailAddress> Ann.Lee+1@A.com </EMailAddress></x>", "Ann.Lee+1@A.com"));
    static const char *const others[] = {
        "",
        "<EMailAddress>",
        "<EMailAddress></EMailAddress>",
        "<EMailAddress>ann@b.com</EMailAddress>",
        "<EMailAddress>ann</EMailAddress>",
        "<EMailAddress>ann@a.com@a.com</EMailAddress>",
        "<EMailAddress>a&b@a.com</EMailAddress>",
        "<EMailAddress>a\"b@a.com</EMailAddress>",
        "<EMailAddress>a b@a.com</EMailAddress>",
        "<EMailAddress><b>ann@a.com</b></EMailAddress>",
        "<EMailAddress>@a.com.evil.com</EMailAddress>",
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) assert_false(has_login(others[i], NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_autodiscover_shows_no_more_than_the_own_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
