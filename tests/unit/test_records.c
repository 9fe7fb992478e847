/* records: what is published for a mail domain, word for word. */
#include "core/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct expected {
    const char *name, *type;
    int ttl;
    const char *data; /* NULL: none */
};

/* All of them and in this order. */
static void are_records(const struct rrset *sets, size_t n, const struct expected *expected, size_t n_expected) {
    for (size_t i = 0; i < n && i < n_expected; i++) {
        const struct expected *e = &expected[i];
        const struct rrset *set = &sets[i];
        bool same = str_is(set->name, e->name) && str_is(str_of(set->type), e->type) && set->ttl == e->ttl &&
                    set->n_data == (e->data != NULL) && (!e->data || str_is(set->data[0], e->data));
        if (!same)
            fail_msg("%zu: %.*s %d %s \"%.*s\", not %s %d %s \"%s\"", i, STR_ARG(set->name), set->ttl, set->type,
                     set->n_data ? (int)set->data[0].n : 0, set->n_data ? set->data[0].p : "", e->name, e->ttl, e->type,
                     e->data ? e->data : "");
    }
    assert_int_equal(n, n_expected);
}

static void mail_is(const struct mail_facts *facts, const struct edge_address *edge, const struct expected *expected,
                    size_t n_expected) {
    struct arena *arena = arena_create(4096);
    struct rrset *sets;
    size_t n;
    records_mail(STR("brightforge.com"), facts, edge, arena, &sets, &n);
    are_records(sets, n, expected, n_expected);
    arena_destroy(arena);
}

static const struct edge_address both = {.ipv4 = {"192.0.2.1", 9}, .ipv6 = {"2001:DB8:0::10", 14}};

static void mail_records_are_complete(void **state) {
    (void)state;
    const struct mail_facts facts = {
        .mx_host = STR("mx.sandbox.test"),
        .mx_preference = 10,
        .spf_term = STR("include:_spf.sandbox.test"),
        .dkim = &(struct dkim_record){STR("dfy1"), STR("v=DKIM1; k=ed25519; p=AAAA")},
        .n_dkim = 1,
    };
    static const struct expected expected[] = {
        {"brightforge.com", "MX", 3600, "10 mx.sandbox.test."},
        {"brightforge.com", "TXT", 3600, "v=spf1 include:_spf.sandbox.test ~all"},
        {"dfy1._domainkey.brightforge.com", "TXT", 3600, "v=DKIM1; k=ed25519; p=AAAA"},
        {"_dmarc.brightforge.com", "TXT", 3600, "v=DMARC1; p=quarantine"},
    };
    mail_is(&facts, NULL, expected, ARRAY_LEN(expected));
    /* An edge alone makes no records for mail. */
    mail_is(&facts, &both, expected, ARRAY_LEN(expected));
}

static void all_that_a_mail_host_wants(void **state) {
    (void)state;
    struct dkim_record dkim[] = {{STR("dfy1"), STR("v=DKIM1; k=rsa; p=BBBB")},
                                 {STR("dfy1e"), STR("v=DKIM1; k=ed25519; p=AAAA")}};
    const struct mail_facts facts = {
        .mx_host = STR("mail.example.net"),
        .mx_preference = 10,
        .spf_term = STR("a:mail.example.net"),
        .dkim = dkim,
        .n_dkim = 2,
        .reports = STR("reports@example.net"),
        .mta_sts_id = STR("20260801"),
        .imap = {STR("mail.example.net"), 993},
        .submission = {STR("mail.example.net"), 465},
    };
    static const struct expected expected[] = {
        {"brightforge.com", "MX", 3600, "10 mail.example.net."},
        {"brightforge.com", "TXT", 3600, "v=spf1 a:mail.example.net ~all"},
        {"dfy1._domainkey.brightforge.com", "TXT", 3600, "v=DKIM1; k=rsa; p=BBBB"},
        {"dfy1e._domainkey.brightforge.com", "TXT", 3600, "v=DKIM1; k=ed25519; p=AAAA"},
        {"_dmarc.brightforge.com", "TXT", 3600, "v=DMARC1; p=quarantine; rua=mailto:reports@example.net"},
        {"_smtp._tls.brightforge.com", "TXT", 3600, "v=TLSRPTv1; rua=mailto:reports@example.net"},
        {"_mta-sts.brightforge.com", "TXT", 3600, "v=STSv1; id=20260801"},
        {"mta-sts.brightforge.com", "A", 300, "192.0.2.1"},
        {"mta-sts.brightforge.com", "AAAA", 300, "2001:db8::10"},
        {"_imaps._tcp.brightforge.com", "SRV", 3600, "0 1 993 mail.example.net."},
        {"_submissions._tcp.brightforge.com", "SRV", 3600, "0 1 465 mail.example.net."},
        {"_imap._tcp.brightforge.com", "SRV", 3600, "0 0 0 ."},
        {"_pop3._tcp.brightforge.com", "SRV", 3600, "0 0 0 ."},
        {"_pop3s._tcp.brightforge.com", "SRV", 3600, "0 0 0 ."},
        {"autoconfig.brightforge.com", "A", 300, "192.0.2.1"},
        {"autoconfig.brightforge.com", "AAAA", 300, "2001:db8::10"},
        {"autodiscover.brightforge.com", "A", 300, "192.0.2.1"},
        {"autodiscover.brightforge.com", "AAAA", 300, "2001:db8::10"},
        {"_autodiscover._tcp.brightforge.com", "SRV", 3600, "0 1 443 autodiscover.brightforge.com."},
    };
    mail_is(&facts, &both, expected, ARRAY_LEN(expected));
}

/* A policy or a program's settings that nobody can fetch are not promised; a service that is missing is said to be. */
static void nothing_points_at_an_edge_that_is_nowhere(void **state) {
    (void)state;
    const struct mail_facts facts = {
        .mx_host = STR("mail.example.net"),
        .mx_preference = 5,
        .spf_term = STR("a:mail.example.net"),
        .mta_sts_id = STR("1"),
        .imap = {STR("imap.example.net"), 1993},
    };
    static const struct expected expected[] = {
        {"brightforge.com", "MX", 3600, "5 mail.example.net."},
        {"brightforge.com", "TXT", 3600, "v=spf1 a:mail.example.net ~all"},
        {"_dmarc.brightforge.com", "TXT", 3600, "v=DMARC1; p=quarantine"},
        {"_imaps._tcp.brightforge.com", "SRV", 3600, "0 1 1993 imap.example.net."},
        {"_submissions._tcp.brightforge.com", "SRV", 3600, "0 0 0 ."},
        {"_imap._tcp.brightforge.com", "SRV", 3600, "0 0 0 ."},
        {"_pop3._tcp.brightforge.com", "SRV", 3600, "0 0 0 ."},
        {"_pop3s._tcp.brightforge.com", "SRV", 3600, "0 0 0 ."},
    };
    mail_is(&facts, NULL, expected, ARRAY_LEN(expected));
    mail_is(&facts, &(struct edge_address){0}, expected, ARRAY_LEN(expected));
}

static void report_addresses_are_uris(void **state) {
    (void)state;
    const struct mail_facts facts = {
        .mx_host = STR("mx.net"), .spf_term = STR("mx"), .reports = STR("a,b!c;%+1@x.net")};
    static const struct expected expected[] = {
        {"brightforge.com", "MX", 3600, "0 mx.net."},
        {"brightforge.com", "TXT", 3600, "v=spf1 mx ~all"},
        {"_dmarc.brightforge.com", "TXT", 3600, "v=DMARC1; p=quarantine; rua=mailto:a%2Cb%21c%3B%25+1@x.net"},
        {"_smtp._tls.brightforge.com", "TXT", 3600, "v=TLSRPTv1; rua=mailto:a%2Cb%21c%3B%25+1@x.net"},
    };
    mail_is(&facts, NULL, expected, ARRAY_LEN(expected));
}

static void web_is(const struct edge_address *edge, const char *ipv4, const char *ipv6) {
    struct arena *arena = arena_create(4096);
    struct rrset *sets;
    size_t n;
    records_web(STR("brightforge.com"), edge, arena, &sets, &n);
    const struct expected expected[] = {
        {"brightforge.com", "A", 300, ipv4},
        {"www.brightforge.com", "A", 300, ipv4},
        {"brightforge.com", "AAAA", 300, ipv6},
        {"www.brightforge.com", "AAAA", 300, ipv6},
    };
    are_records(sets, n, expected, ARRAY_LEN(expected));
    arena_destroy(arena);
}

static void web_records_point_at_the_edge(void **state) {
    (void)state;
    web_is(&(struct edge_address){.ipv4 = STR("192.0.2.1")}, "192.0.2.1", NULL);
    web_is(&(struct edge_address){.ipv6 = STR("2001:0db8::A")}, NULL, "2001:db8::a");
    web_is(&both, "192.0.2.1", "2001:db8::10");
    web_is(NULL, NULL, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_records_are_complete),
        cmocka_unit_test(all_that_a_mail_host_wants),
        cmocka_unit_test(nothing_points_at_an_edge_that_is_nowhere),
        cmocka_unit_test(report_addresses_are_uris),
        cmocka_unit_test(web_records_point_at_the_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
