/* The operator's restrictions, and which names are sold or for sale. */
#include "store/facts.h"
#include "store/inventory.h"
#include "store/restrictions.h"
#include "store_fixture.h"

static int64_t version_of(struct fixture *f) {
    int64_t version = 0;
    OK(restrictions_version(f->db, &version, &f->error));
    return version;
}

static void restrictions_are_kept_and_counted(void **state) {
    struct fixture *f = *state;
    const struct restriction acme = {STR("acme"), STR(""), false}, theirs = {STR("acme"), STR(WORKSPACE), true},
                             again = {STR("acme"), STR(""), true}, domain = {STR("acme.com"), STR(""), false};
    int64_t first = version_of(f);
    assert_true(first >= 1);
    OK(IN_TX(restrictions_set(f->db, &domain, 5, &f->error)));
    OK(IN_TX(restrictions_set(f->db, &theirs, 6, &f->error)));
    OK(IN_TX(restrictions_set(f->db, &acme, 7, &f->error)));
    OK(IN_TX(restrictions_set(f->db, &again, 8, &f->error))); /* in the place of the one before */
    assert_int_equal(version_of(f), first + 4);

    struct restriction *rows;
    int64_t *created;
    size_t n;
    OK(restrictions_list(f->db, f->arena, &rows, &created, &n, &f->error));
    assert_int_equal(n, 3);
    assert_true(str_is(rows[0].entry, "acme") && rows[0].is_allowed && !rows[0].workspace_id.n && created[0] == 8);
    assert_true(str_is(rows[1].entry, "acme") && rows[1].is_allowed && str_is(rows[1].workspace_id, WORKSPACE));
    assert_true(str_is(rows[2].entry, "acme.com") && !rows[2].is_allowed && created[2] == 5);

    OK(IN_TX(restrictions_remove(f->db, STR("acme"), STR(""), &f->error)));
    assert_int_equal(version_of(f), first + 5);
    FAILS(ERR_NOT_FOUND, IN_TX(restrictions_remove(f->db, STR("acme"), STR(""), &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(restrictions_remove(f->db, STR("acme"), STR(STRANGER), &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(restrictions_remove(f->db, STR("other"), STR(""), &f->error)));
    assert_int_equal(version_of(f), first + 5);
    OK(restrictions_list(f->db, f->arena, &rows, NULL, &n, &f->error));
    assert_int_equal(n, 2);
}

static void stock_is_for_sale_and_cannot_be_registered(void **state) {
    struct fixture *f = *state;
    struct account account = {STR("a"), STR("A"), STR("B")};
    static const char *const names[] = {"c.co", "a.com", "b.org"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct stock stock = {
            .domain = str_of(names[i]), .provider = (enum provider)(i + 1), .accounts = &account, .n_accounts = 1};
        OK(IN_TX(inventory_add(f->db, &stock, 1, &f->error)));
    }
    struct stock *stock;
    size_t n;
    OK(inventory_for_sale(f->db, f->arena, &stock, &n, &f->error));
    assert_int_equal(n, 3);
    assert_true(str_is(stock[0].domain, "a.com") && stock[0].provider == 2 && !stock[0].n_accounts);
    assert_true(str_is(stock[1].domain, "b.org") && str_is(stock[2].domain, "c.co"));

    const struct str asked[] = {STR("z.com"), STR("b.org"), STR("a.com"), STR("z.com"), STR("b.org"), STR("free.com")};
    bool sold[ARRAY_LEN(asked)] = {true}, want[ARRAY_LEN(asked)] = {false, true, true, false, true, false};
    OK(facts_sold(f->db, asked, ARRAY_LEN(asked), f->arena, sold, &f->error));
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) assert_int_equal(sold[i], want[i]);
    OK(facts_sold(f->db, asked, 0, f->arena, sold, &f->error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(restrictions_are_kept_and_counted, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(stock_is_for_sale_and_cannot_be_registered, fixture_make, fixture_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
