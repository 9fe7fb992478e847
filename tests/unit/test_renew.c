/* renew: what is charged when, as months and years go by. */
#include <pthread.h>

#include "renew_fixture.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

static void a_year_of_two_domains_and_five_mailboxes(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10T09:30:00.000Z");
    struct reserve_domain domains[] = {priced_domain(&l, "one.com", 'a', 3, PROVIDER_GOOGLE),
                                       priced_domain(&l, "two.com", 'a', 2, PROVIDER_AIRMAIL)};
    place(&l, ORDER_DFY, domains, 2);
    live_until(&l, "2026-02-14T23:59:59.999Z");
    assert_string_equal(renewals_of(&l), "");
    live_until(&l, "2027-01-15");
    assert_string_equal(renewals_of(&l),
                        "2026-02-15 paid 2500|2026-03-15 paid 2500|2026-04-15 paid 2500|2026-05-15 paid 2500"
                        "|2026-06-15 paid 2500|2026-07-15 paid 2500|2026-08-15 paid 2500|2026-09-15 paid 2500"
                        "|2026-10-15 paid 2500|2026-11-15 paid 2500|2026-12-15 paid 2500|2027-01-10 paid 3000"
                        "|2027-01-15 paid 2500");
    check_books(&l, 12 * 2500 + 3000);
    /* Each was charged on its day, and the registrar was paid for the second year. */
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM renewals WHERE due_ms <> day_ms"), 0);
    assert_int_equal(sandbox_book_years(l.book, STR("one.com")), 2);
    assert_int_equal(sandbox_book_years(l.book, STR("two.com")), 2);
    assert_string_equal(words_of(l.f, "SELECT DISTINCT type FROM events WHERE type LIKE 'dfy_renewal%'"),
                        "dfy_renewal_succeeded");
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM events WHERE type = 'dfy_renewal_succeeded'"), 13);
    life_end(&l);
}

static void a_bill_has_a_line_a_thing(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-15T00:00:00.000Z");
    buy(&l, "one.com", 2);
    live_until(&l, "2027-01-15");
    /* The day of the order is the 15th: domain and mailboxes are charged together. */
    assert_string_equal(words_of(l.f,
                                 "SELECT kind || ' ' || quantity || 'x' || unit || ' '"
                                 " || date(from_ms / 1000, 'unixepoch') || ' ' || date(to_ms / 1000, 'unixepoch')"
                                 " FROM bill_lines WHERE bill_id = (SELECT MAX(id) FROM renewals) ORDER BY position"),
                        "domain_year 1x1500 2027-01-15 2028-01-15|mailbox_month 2x500 2027-01-15 2027-02-15");
    check_books(&l, 12 * 1000 + 1500);
    life_end(&l);
}

static void a_microsoft_domain_is_one_line_a_month(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-31T22:00:00.000Z");
    struct reserve_domain domain = priced_domain(&l, "big.com", 'a', 50, PROVIDER_MICROSOFT);
    place(&l, ORDER_DFY, &domain, 1);
    live_until(&l, "2026-04-20");
    assert_string_equal(renewals_of(&l), "2026-03-15 paid 2000|2026-04-15 paid 2000");
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM renewal_items"), 2);
    check_books(&l, 4000);
    life_end(&l);
}

static void extra_accounts_join_on_their_own_day(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10T12:00:00.000Z");
    buy(&l, "one.com", 2);
    live_until(&l, "2026-01-20T12:00:00.000Z");
    struct reserve_domain more = priced_domain(&l, "one.com", 'm', 1, PROVIDER_GOOGLE);
    more.mailbox_price = 700; /* as the book was then */
    place(&l, ORDER_EXTRA_ACCOUNTS, &more, 1);
    live_until(&l, "2026-04-01");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000|2026-03-15 paid 1700");
    assert_string_equal(words_of(l.f, "SELECT quantity || 'x' || unit FROM bill_lines"
                                      " WHERE bill_id = (SELECT MAX(id) FROM renewals) ORDER BY position"),
                        "2x500|1x700");
    /* The domain's year is that of its first order. */
    assert_string_equal(words_of(l.f, "SELECT date(year_renews_ms / 1000, 'unixepoch') FROM domains"), "2027-01-10");
    check_books(&l, 2700);
    life_end(&l);
}

static void a_leap_day_comes_back(void **state) {
    struct life l;
    life_begin(*state, &l, "2028-02-29T23:59:59.999Z");
    buy(&l, "one.com", 1);
    cancel(&l, "a0@one.com");
    assert_string_equal(words_of(l.f, "SELECT state FROM domains"), "cancelled");
    buy(&l, "two.com", 1);
    change(&l, "UPDATE accounts SET renews_ms = 0"); /* only the years are looked at */
    live_until(&l, "2033-03-01");
    assert_string_equal(renewals_of(&l), "2029-02-28 paid 1500|2030-02-28 paid 1500|2031-02-28 paid 1500"
                                         "|2032-02-29 paid 1500|2033-02-28 paid 1500");
    assert_int_equal(sandbox_book_years(l.book, STR("two.com")), 6);
    life_end(&l);
}

static void what_costs_nothing_is_renewed_without_a_charge(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    struct reserve_domain domain = priced_domain(&l, "one.com", 'a', 1, PROVIDER_GOOGLE);
    domain.year_price = domain.mailbox_price = 0;
    place(&l, ORDER_DFY, &domain, 1);
    set_card(&l, "tok_declined");
    live_until(&l, "2027-02-20");
    assert_string_equal(renewals_of(&l), "2027-01-10 paid 0");
    assert_int_equal(sandbox_book_years(l.book, STR("one.com")), 2);
    check_books(&l, 0);
    life_end(&l);
}

/* ---- cancelling ---- */

static void what_is_cancelled_before_is_not_charged(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 3);
    buy(&l, "two.com", 1);
    live_until(&l, "2026-02-14");
    cancel(&l, "a1@one.com");
    cancel(&l, "a0@two.com");
    live_until(&l, "2026-03-20");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000|2026-03-15 paid 1000");
    live_until(&l, "2027-01-20");
    /* The year of the cancelled domain is not asked for either. */
    assert_int_equal(number_of(l.f, "SELECT SUM(amount) FROM renewals WHERE day_ms % 86400000 = 0"
                                    " AND strftime('%d', day_ms / 1000, 'unixepoch') = '10'"),
                     1500);
    assert_int_equal(sandbox_book_years(l.book, STR("two.com")), 1);
    life_end(&l);
}

static void what_is_cancelled_between_two_tries_is_left_out(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 2);
    set_card(&l, "tok_declined");
    live_until(&l, "2026-02-15T12:00:00.000Z");
    assert_string_equal(renewals_of(&l), "2026-02-15 due 1000");
    cancel(&l, "a0@one.com");
    set_card(&l, "tok_visa");
    live_until(&l, "2026-02-16");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 500");
    check_books(&l, 500);
    life_end(&l);
}

static void nothing_left_makes_a_renewal_void(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 1);
    set_card(&l, "tok_declined");
    live_until(&l, "2026-02-15T12:00:00.000Z");
    cancel(&l, "a0@one.com");
    live_until(&l, "2028-01-01");
    assert_string_equal(renewals_of(&l), "2026-02-15 void 0");
    check_books(&l, 0);
    life_end(&l);
}

static void cancel_first(void *arg) {
    cancel(arg, "a0@one.com");
}

static void what_is_cancelled_during_a_charge_is_refunded(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 2);
    l.bank.meanwhile = cancel_first;
    l.bank.arg = &l;
    live_until(&l, "2026-03-20");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000|2026-03-15 paid 500");
    assert_string_equal(words_of(l.f, "SELECT bill_kind || ' ' || r.amount || ' ' || a.email FROM refunds r"
                                      " JOIN accounts a ON a.id = r.account_id"),
                        "renewal 500 a0@one.com");
    check_books(&l, 1500);
    life_end(&l);
}

static void a_domain_cancelled_during_a_charge_is_refunded(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-15");
    buy(&l, "one.com", 1);
    live_until(&l, "2027-01-14");
    l.bank.meanwhile = cancel_first;
    l.bank.arg = &l;
    live_until(&l, "2028-03-20");
    assert_string_equal(words_of(l.f, "SELECT amount || account_id FROM refunds"), "2000");
    check_books(&l, 11 * 500 + 2000);
    /* It was not renewed, as it is gone. */
    assert_int_equal(sandbox_book_years(l.book, STR("one.com")), 1);
    life_end(&l);
}

static void what_was_never_made_is_not_charged_again(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    struct reserve_domain domain = priced_domain(&l, "one.com", 'a', 2, PROVIDER_GOOGLE);
    domain.accounts[0].email = STR("silent@one.com");
    place(&l, ORDER_DFY, &domain, 1);
    change(&l, "UPDATE steps SET due_ms = 9000000000000 WHERE state = 'retrying'"); /* its host stays silent */
    live_until(&l, "2026-03-16");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 500|2026-03-15 paid 500");
    assert_string_equal(words_of(l.f, "SELECT date(renews_ms / 1000, 'unixepoch') FROM accounts"),
                        "2026-04-15|2026-04-15");
    life_end(&l);
}

/* ---- clocks ---- */

static void a_jump_of_three_months_loses_and_doubles_nothing(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 2);
    jump_to(&l, "2026-04-20");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000|2026-03-15 paid 1000|2026-04-15 paid 1000");
    jump_to(&l, "2027-02-20");
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM renewals"), 14);
    check_books(&l, 13 * 1000 + 1500);
    /* Each thing's periods in their order. */
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM renewal_items a JOIN renewal_items b"
                                    " ON a.domain_id = b.domain_id AND a.account_id = b.account_id AND a.kind = b.kind"
                                    " AND a.renewal_id < b.renewal_id AND a.to_ms > b.from_ms"),
                     0);
    life_end(&l);
}

static void a_clock_set_back_charges_nothing_again(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 2);
    live_until(&l, "2026-02-15");
    jump_to(&l, "2026-01-01");
    jump_to(&l, "2026-02-20");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000");
    jump_to(&l, "2025-12-31");
    live_until(&l, "2026-03-15");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000|2026-03-15 paid 1000");
    check_books(&l, 2000);
    life_end(&l);
}

struct node {
    struct world world;
    struct error error;
    bool failed;
};

static void *run_node(void *arg) {
    struct node *node = arg;
    for (int i = 0; i < 40 && !node->failed; i++) {
        size_t n;
        node->failed = !renew_due(&node->world, 3, &n, &node->error);
    }
    return NULL;
}

static void two_nodes_renew_at_once(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    for (int i = 0; i < 5; i++) {
        char name[20];
        snprintf(name, sizeof name, "name%d.com", i);
        l.f->now = l.f->clock.manual_ms += 86400000;
        buy(&l, name, 2);
    }
    l.f->clock.manual_ms = ms_of("2027-02-20");
    struct rng rngs[2] = {rng_seeded(1), rng_seeded(2)};
    struct ids ids[2];
    struct node nodes[2] = {{.world = l.world}, {.world = l.world}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        ids_init(&ids[i], &l.f->clock, &rngs[i]);
        nodes[i].world.rng = &rngs[i];
        nodes[i].world.ids = &ids[i];
    }
    nodes[1].world.store = fixture_store(l.f);
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_node, &nodes[i]), 0);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++)
        if (nodes[i].failed) fail_msg("node %d: %s", i, nodes[i].error.message);
    store_close(nodes[1].world.store);
    work(&l);
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM renewals WHERE state <> 'paid'"), 0);
    check_books(&l, INT64_C(5) * (13 * 1000 + 1500));
    life_end(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_year_of_two_domains_and_five_mailboxes),
        TEST(a_bill_has_a_line_a_thing),
        TEST(a_microsoft_domain_is_one_line_a_month),
        TEST(extra_accounts_join_on_their_own_day),
        TEST(a_leap_day_comes_back),
        TEST(what_costs_nothing_is_renewed_without_a_charge),
        TEST(what_is_cancelled_before_is_not_charged),
        TEST(what_is_cancelled_between_two_tries_is_left_out),
        TEST(nothing_left_makes_a_renewal_void),
        TEST(what_is_cancelled_during_a_charge_is_refunded),
        TEST(a_domain_cancelled_during_a_charge_is_refunded),
        TEST(what_was_never_made_is_not_charged_again),
        TEST(a_jump_of_three_months_loses_and_doubles_nothing),
        TEST(a_clock_set_back_charges_nothing_again),
        TEST(two_nodes_renew_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
