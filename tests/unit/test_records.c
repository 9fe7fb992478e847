/* records: what is published for a mail domain, word for word. */
#include "core/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void is_record(const struct rrset *set, const char *name, const char *type, const char *data) {
    assert_true(str_is(set->name, name));
    assert_string_equal(set->type, type);
    assert_int_equal(set->n_data, 1);
    assert_true(str_is(set->data[0], data));
    assert_in_range(set->ttl, 60, 86400);
}

static void mail_records_are_complete(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    const struct mail_facts facts = {
        .mx_host = STR("mx.sandbox.test"),
        .mx_preference = 10,
        .spf_term = STR("include:_spf.sandbox.test"),
        .dkim = &(struct dkim_record){STR("dfy1"), STR("v=DKIM1; k=ed25519; p=AAAA")},
        .n_dkim = 1,
    };
    struct rrset *sets;
    size_t n;
    records_mail(STR("brightforge.com"), &facts, NULL, arena, &sets, &n);
    assert_int_equal(n, 4);
    is_record(&sets[0], "brightforge.com", "MX", "10 mx.sandbox.test.");
    is_record(&sets[1], "brightforge.com", "TXT", "v=spf1 include:_spf.sandbox.test ~all");
    is_record(&sets[2], "dfy1._domainkey.brightforge.com", "TXT", "v=DKIM1; k=ed25519; p=AAAA");
    is_record(&sets[3], "_dmarc.brightforge.com", "TXT", "v=DMARC1; p=quarantine");
    arena_destroy(arena);
}

static void web_records_point_at_the_edge(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct rrset *sets;
    size_t n;
    records_web(STR("brightforge.com"), &(struct edge_address){.ipv4 = STR("192.0.2.1")}, arena, &sets, &n);
    assert_int_equal(n, 4);
    is_record(&sets[0], "brightforge.com", "A", "192.0.2.1");
    is_record(&sets[1], "www.brightforge.com", "A", "192.0.2.1");
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_records_are_complete),
        cmocka_unit_test(web_records_point_at_the_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
