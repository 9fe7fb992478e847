/* renew: what happens when a renewal is not paid, when nobody knows whether it is, and when dfyd dies meanwhile. */
#include "renew_fixture.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

/* "2026-02-15 due try|...": day, new state and what comes next, of each failure that was told. */
static const char *failures_of(struct life *l) {
    return words_of(l->f, "SELECT strftime('%Y-%m-%d', created_ms / 1000, 'unixepoch') || ' '"
                          " || json_extract(payload, '$.state') || COALESCE(' ' || json_extract(payload, '$.next')"
                          " || ' ' || substr(json_extract(payload, '$.next_at'), 1, 10), '')"
                          " FROM events WHERE type = 'dfy_renewal_failed' ORDER BY seq");
}

/* One renewal of two mailboxes on 15 February. */
static void begin(struct fixture *f, struct life *l, const char *token) {
    life_begin(f, l, "2026-01-10");
    buy(l, "one.com", 2);
    set_card(l, token);
}

static const char *renewal_id(struct life *l) {
    return words_of(l->f, "SELECT id FROM renewals ORDER BY id LIMIT 1");
}

static void unpaid_to_the_end(void **state) {
    struct life l;
    begin(*state, &l, "tok_declined");
    live_until(&l, "2026-02-21T23:59:59.999Z");
    assert_true(opens(&l, "a0@one.com"));
    live_until(&l, "2026-02-22");
    assert_string_equal(renewals_of(&l), "2026-02-15 suspended 1000");
    assert_false(opens(&l, "a0@one.com"));
    assert_false(opens(&l, "a1@one.com"));
    live_until(&l, "2026-03-07T23:59:59.999Z");
    assert_string_equal(words_of(l.f, "SELECT DISTINCT state FROM accounts"), "ready");
    live_until(&l, "2026-03-08");
    assert_string_equal(renewals_of(&l), "2026-02-15 cancelled 1000");
    assert_string_equal(failures_of(&l), "2026-02-15 due try 2026-02-16|2026-02-16 due try 2026-02-18"
                                         "|2026-02-18 due try 2026-02-22|2026-02-22 suspended try 2026-03-01"
                                         "|2026-03-01 suspended cancel 2026-03-08|2026-03-08 cancelled");
    /* Mailboxes go, the domain with its last one, and nothing is ever charged again. */
    assert_string_equal(words_of(l.f, "SELECT DISTINCT state FROM accounts"), "cancelled");
    assert_string_equal(words_of(l.f, "SELECT state FROM domains"), "cancelled");
    assert_string_equal(words_of(l.f, "SELECT DISTINCT state FROM steps WHERE kind = 'remove_mailbox'"), "done");
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM events WHERE type = 'dfy_account_cancelled'"), 2);
    assert_string_equal(words_of(l.f, "SELECT json_extract(detail, '$.reason') || affected FROM audit_logs"
                                      " WHERE activity = 'accounts_cancelled'"),
                        "not paid2");
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM payments WHERE state = 'failed'"
                                    " AND decline = 'generic_decline'"),
                     5);
    set_card(&l, "tok_visa");
    live_until(&l, "2028-01-01");
    check_books(&l, 0);
    life_end(&l);
}

static void a_new_card_in_between(void **state) {
    struct life l;
    begin(*state, &l, "tok_expired");
    live_until(&l, "2026-02-25");
    assert_false(opens(&l, "a0@one.com"));
    set_card(&l, "tok_visa");
    live_until(&l, "2026-02-28");
    assert_string_equal(renewals_of(&l), "2026-02-15 suspended 1000");
    live_until(&l, "2026-03-01");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000");
    assert_true(opens(&l, "a0@one.com"));
    assert_true(opens(&l, "a1@one.com"));
    assert_int_equal(number_of(l.f, "SELECT SUM(suspended_ms) FROM accounts"), 0);
    live_until(&l, "2026-04-20");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000|2026-03-15 paid 1000|2026-04-15 paid 1000");
    assert_string_equal(words_of(l.f, "SELECT json_extract(payload, '$.attempt') FROM events"
                                      " WHERE type = 'dfy_renewal_succeeded' ORDER BY seq LIMIT 1"),
                        "5");
    check_books(&l, 3000);
    life_end(&l);
}

static bool retry_change(struct db *db, void *arg, struct error *reterr) {
    struct life *l = arg;
    return renewal_retry(db, str_of(renewal_id(l)), l->f->now, reterr);
}

static void a_try_that_is_asked_for_leaves_the_schedule(void **state) {
    struct life l;
    begin(*state, &l, "tok_declined");
    struct fixture *f = l.f;
    live_until(&l, "2026-02-19");
    OK(store_write(l.world.store, retry_change, &l, &f->error));
    work(&l);
    assert_string_equal(words_of(f, "SELECT state || failures || stage || date(due_ms / 1000, 'unixepoch')"
                                    " FROM renewals"),
                        "due432026-02-22");
    /* Also after the last try of the schedule: it is not cancelled before its day, and may still be paid. */
    live_until(&l, "2026-03-04");
    OK(store_write(l.world.store, retry_change, &l, &f->error));
    work(&l);
    assert_string_equal(words_of(f, "SELECT state || failures || stage || date(due_ms / 1000, 'unixepoch')"
                                    " FROM renewals"),
                        "suspended752026-03-08");
    set_card(&l, "tok_visa");
    OK(store_write(l.world.store, retry_change, &l, &f->error));
    work(&l);
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000");
    assert_true(opens(&l, "a0@one.com"));
    FAILS(ERR_CONFLICT, store_write(l.world.store, retry_change, &l, &f->error));
    assert_non_null(strstr(f->error.message, "it is paid"));
    FAILS(ERR_NOT_FOUND, IN_TX(renewal_retry(f->db, STR("no"), 1, &f->error)));
    check_books(&l, 1000);
    life_end(&l);
}

static bool remove_card(struct db *db, void *arg, struct error *reterr) {
    bool removed;
    (void)arg;
    return card_remove(db, STR(WORKSPACE), &removed, reterr);
}

static void without_a_card_a_try_fails(void **state) {
    struct life l;
    begin(*state, &l, "tok_visa");
    struct fixture *f = l.f;
    OK(store_write(l.world.store, remove_card, NULL, &f->error));
    live_until(&l, "2026-02-15");
    assert_string_equal(renewals_of(&l), "2026-02-15 due 1000");
    assert_string_equal(failures_of(&l), "2026-02-15 due try 2026-02-16");
    assert_string_equal(words_of(f, "SELECT reason FROM renewals"), "the workspace has no card");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM payments"), 0); /* nobody was asked */
    set_card(&l, "tok_visa");
    live_until(&l, "2026-02-16");
    check_books(&l, 1000);
    life_end(&l);
}

static void what_waits_is_not_collected_again(void **state) {
    struct life l;
    begin(*state, &l, "tok_declined");
    /* The server was away from the 20th on: the tries after it come later, over the next 15th. */
    live_until(&l, "2026-02-20");
    jump_to(&l, "2026-03-14");
    struct reserve_domain other = priced_domain(&l, "two.com", 'a', 1, PROVIDER_GOOGLE);
    place(&l, ORDER_DFY, &other, 1);
    live_until(&l, "2026-03-20");
    assert_string_equal(renewals_of(&l), "2026-02-15 suspended 1000");
    set_card(&l, "tok_visa");
    live_until(&l, "2026-04-16");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000|2026-03-15 paid 1000|2026-04-15 paid 1500");
    assert_true(opens(&l, "a0@one.com"));
    check_books(&l, 3500);
    life_end(&l);
}

static void a_second_part_of_a_day(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 2);
    set_card(&l, "tok_declined");
    live_until(&l, "2026-02-15");
    set_card(&l, "tok_visa");
    live_until(&l, "2026-02-15T12:00:00.000Z");
    buy(&l, "two.com", 1); /* first on 15 March */
    set_card(&l, "tok_declined");
    jump_to(&l, "2026-03-14T12:00:00.000Z"); /* the second try fails only now */
    live_until(&l, "2026-03-15");            /* two.com's day; one.com still waits */
    set_card(&l, "tok_visa");
    live_until(&l, "2026-03-31");
    assert_string_equal(words_of(l.f, "SELECT date(day_ms / 1000, 'unixepoch') || '/' || part || ' ' || state || ' '"
                                      " || amount FROM renewals ORDER BY id"),
                        "2026-02-15/0 paid 1000|2026-03-15/0 paid 500|2026-03-15/1 paid 1000");
    check_books(&l, 2500);
    life_end(&l);
}

static void an_unpaid_year_ends_the_domain(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-20");
    buy(&l, "one.com", 2);
    live_until(&l, "2027-01-19");
    set_card(&l, "tok_declined");
    live_until(&l, "2027-01-27");
    /* The year's renewal closes the mailboxes; those of the month are paid until February. */
    assert_string_equal(words_of(l.f, "SELECT state || ' ' || amount FROM renewals WHERE state <> 'paid'"),
                        "suspended 1500");
    assert_false(opens(&l, "a1@one.com"));
    live_until(&l, "2027-02-10");
    assert_string_equal(words_of(l.f, "SELECT state FROM domains"), "cancelled");
    assert_string_equal(words_of(l.f, "SELECT DISTINCT state FROM accounts"), "cancelled");
    assert_int_equal(sandbox_book_years(l.book, STR("one.com")), 1);
    live_until(&l, "2028-02-10");
    check_books(&l, INT64_C(11) * 1000);
    life_end(&l);
}

static void two_renewals_close_a_mailbox_until_both_are_paid(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-02-10");
    buy(&l, "one.com", 1);
    live_until(&l, "2027-02-09");
    set_card(&l, "tok_declined");
    live_until(&l, "2027-02-23"); /* both suspended: that of the 10th, and that of the 15th */
    assert_string_equal(words_of(l.f, "SELECT state FROM renewals WHERE state <> 'paid'"), "suspended|suspended");
    set_card(&l, "tok_visa");
    live_until(&l, "2027-02-24"); /* 14 days after the 10th */
    assert_string_equal(words_of(l.f, "SELECT state FROM renewals WHERE state <> 'paid'"), "suspended");
    assert_false(opens(&l, "a0@one.com"));
    live_until(&l, "2027-03-01"); /* 14 days after the 15th */
    assert_true(opens(&l, "a0@one.com"));
    life_end(&l);
}

static void a_registrar_that_refuses(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "norenew-one.com", 1);
    live_until(&l, "2027-01-10");
    assert_string_equal(words_of(l.f, "SELECT state || ' ' || reason FROM steps WHERE kind = 'renew_domain'"),
                        "failed the registry does not renew this name");
    assert_string_equal(words_of(l.f, "SELECT bill_kind || ' ' || amount || ' ' || why FROM refunds"),
                        "renewal 1500 norenew-one.com was not renewed: the registry does not renew this name");
    assert_string_equal(failures_of(&l), "2027-01-10 refused");
    assert_string_equal(words_of(l.f, "SELECT state || paid_years FROM domains"), "ready1");
    /* Nothing more is charged for it. */
    live_until(&l, "2029-01-10");
    check_books(&l, 11 * 500 + 1500);
    life_end(&l);
}

/* A name that is not renewed runs out: its mailboxes are not charged on, either, though a month was still unpaid. */
static void a_registrar_that_refuses_while_a_month_is_unpaid(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-17");
    buy(&l, "norenew-one.com", 1);
    live_until(&l, "2027-01-14");
    set_card(&l, "tok_declined");
    live_until(&l, "2027-01-16T12:00:00.000Z");
    set_card(&l, "tok_visa");
    live_until(&l, "2027-01-17");
    assert_string_equal(words_of(l.f, "SELECT state FROM steps WHERE kind = 'renew_domain'"), "failed");
    int64_t charged = 10 * 500 + 1500;
    check_books(&l, charged);
    live_until(&l, "2029-01-10");
    assert_string_equal(words_of(l.f, "SELECT renews_ms || '' FROM accounts"), "0");
    check_books(&l, charged);
    life_end(&l);
}

/* Mailboxes that are added to it later are not renewed beyond its end. */
static void more_mailboxes_of_a_name_that_is_not_renewed(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "norenew-one.com", 1);
    live_until(&l, "2027-01-11");
    struct reserve_domain more = priced_domain(&l, "norenew-one.com", 'b', 1, PROVIDER_GOOGLE);
    place(&l, ORDER_EXTRA_ACCOUNTS, &more, 1);
    live_until(&l, "2029-01-10");
    check_books(&l, 11 * 500 + 1500);
    life_end(&l);
}

/* ---- sums beyond all bounds ---- */

/* One workspace's sum that cannot be charged stops nobody else's renewals, nor its own schedule. */
static void a_sum_that_leaves_the_range_of_money(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    struct fixture *f = l.f;
    buy(&l, "one.com", 2);
    buy(&l, "two.com", 1);
    change(&l, "UPDATE accounts SET month_price = 100000000000 WHERE email LIKE '%@one.com'");
    change(&l, "UPDATE accounts SET workspace_id = '" STRANGER "' WHERE email LIKE '%@two.com'");
    change(&l,
           "INSERT INTO cards (workspace_id, token, brand, last4, name_on_card, driver, updated_ms) SELECT '" STRANGER
           "', token, brand, last4, name_on_card, driver, updated_ms FROM cards");
    live_until(&l, "2026-03-20");
    assert_string_equal(
        words_of(f, "SELECT workspace_id || ' ' || state || ' ' || amount || ' ' || reason FROM"
                    " renewals ORDER BY workspace_id"),
        "01900000-0000-7000-8000-000000000001 cancelled 100000000000 its sum is more than can be charged at once"
        "|01900000-0000-7000-8000-000000000002 paid 500 |01900000-0000-7000-8000-000000000002 paid 500 ");
    check_books(&l, 1000);
    life_end(&l);
}

/* ---- no clear answer ---- */

static void a_lost_answer_is_asked_for(void **state) {
    struct life l;
    begin(*state, &l, "tok_lost");
    live_until(&l, "2026-02-15");
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000");
    assert_string_equal(failures_of(&l), "");
    check_books(&l, 1000);
    life_end(&l);
}

static void no_answer_and_no_charge_is_a_failed_try(void **state) {
    struct life l;
    begin(*state, &l, "tok_dropped");
    live_until(&l, "2026-02-15");
    assert_string_equal(failures_of(&l), "2026-02-15 due try 2026-02-16");
    assert_string_equal(words_of(l.f, "SELECT state || ' ' || reason FROM payments"),
                        "failed the payment service gave no answer; nothing was charged");
    set_card(&l, "tok_visa");
    live_until(&l, "2026-02-16");
    check_books(&l, 1000);
    life_end(&l);
}

static void an_unknown_charge_waits_until_it_is_known(void **state) {
    struct life l;
    begin(*state, &l, "tok_silent");
    live_until(&l, "2026-02-15");
    assert_string_equal(renewals_of(&l), "2026-02-15 charging 1000");
    const char *key = words_of(l.f, "SELECT payment_id FROM renewals");
    set_card(&l, "tok_visa"); /* tried only when the silent one is closed */
    live_until(&l, "2026-02-15T01:00:00.000Z");
    assert_string_equal(renewals_of(&l), "2026-02-15 due 1000");
    assert_string_equal(words_of(l.f, "SELECT payment_id FROM renewals"), key);
    assert_string_equal(words_of(l.f, "SELECT failures || ' ' || stage || ' ' || attempts FROM renewals"), "1 1 4");
    live_until(&l, "2026-02-17");
    check_books(&l, 1000);
    life_end(&l);
}

/* A process that claims and then dies, with the bank asked or not. */
static struct claims claim_and_die(struct life *l) {
    struct fixture *f = l->f;
    f->clock.manual_ms = f->now = ms_of("2026-02-15");
    assert_int_equal(life_collect(l, 9), 1);
    struct claims claims = life_claim(l, 9);
    assert_int_equal(claims.n, 1);
    assert_false(claims.tries[0].is_resumed);
    return claims;
}

static void ask_bank(struct life *l, const struct renewal_try *attempt, enum outcome expected) {
    const struct payment_charge job = {
        .key = attempt->payment_id, .token = attempt->token, .amount = attempt->amount, .description = STR("renewal")};
    struct payment_answer answer;
    assert_int_equal(payment_charge(l->bank.real, &job, &answer), expected);
}

static void a_death_before_the_charge(void **state) {
    struct life l;
    begin(*state, &l, "tok_visa");
    struct claims claims = claim_and_die(&l);
    l.f->clock.manual_ms = l.f->now += LEASE_MS - 1;
    work(&l);
    assert_string_equal(renewals_of(&l), "2026-02-15 charging 1000"); /* another may be at it */
    l.f->clock.manual_ms = l.f->now += 1;
    work(&l);
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000");
    assert_string_equal(failures_of(&l), ""); /* no fault of the customer's */
    check_books(&l, 1000);
    /* The one that was taken for dead charges late: its key is closed, and it records nothing. */
    ask_bank(&l, &claims.tries[0], OUTCOME_REFUSED);
    const struct renewal_result late = {.end = RENEWAL_END_FAILED, .reason = STR("late"), .now_ms = l.f->now};
    bool stale;
    struct fixture *f = l.f;
    OK(IN_TX(renewal_record(f->db, &f->ids, &claims.tries[0], &late, &stale, &f->error)));
    assert_true(stale);
    check_books(&l, 1000);
    life_end(&l);
}

static void a_death_after_the_charge(void **state) {
    struct life l;
    begin(*state, &l, "tok_visa");
    struct claims claims = claim_and_die(&l);
    ask_bank(&l, &claims.tries[0], OUTCOME_DONE);
    struct fixture *f = l.f;
    OK(IN_TX(renewal_free_all(f->db, f->now, &f->error))); /* the next start */
    store_close(l.world.store);
    l.world.store = fixture_store(f);
    work(&l);
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000");
    check_books(&l, 1000);
    life_end(&l);
}

static void a_death_without_a_card(void **state) {
    struct life l;
    begin(*state, &l, "tok_visa");
    struct fixture *f = l.f;
    OK(store_write(l.world.store, remove_card, NULL, &f->error));
    assert_int_equal(claim_and_die(&l).tries[0].payment_id.n, 0);
    set_card(&l, "tok_visa");
    f->clock.manual_ms = f->now += LEASE_MS;
    work(&l);
    assert_string_equal(renewals_of(&l), "2026-02-15 paid 1000");
    assert_string_equal(failures_of(&l), "");
    check_books(&l, 1000);
    life_end(&l);
}

static void a_card_changed_while_a_charge_was_under_way(void **state) {
    struct life l;
    begin(*state, &l, "tok_visa");
    struct claims claims = claim_and_die(&l);
    ask_bank(&l, &claims.tries[0], OUTCOME_DONE);
    set_card(&l, "tok_mastercard");
    l.f->clock.manual_ms = l.f->now += LEASE_MS;
    work(&l);
    assert_string_equal(words_of(l.f, "SELECT state || ' ' || card_token FROM renewals"), "paid tok_visa");
    check_books(&l, 1000);
    life_end(&l);
}

static void a_driver_that_is_not_open(void **state) {
    struct life l;
    begin(*state, &l, "tok_visa");
    change(&l, "UPDATE cards SET driver = 'stripe'");
    live_until(&l, "2026-02-15");
    assert_string_equal(words_of(l.f, "SELECT state || ' ' || reason FROM renewals"),
                        "due the payment driver stripe is not open here");
    assert_int_equal(number_of(l.f, "SELECT COUNT(*) FROM payments"), 0);
    /* When something may have been charged there, it waits. */
    change(&l, "UPDATE cards SET driver = 'sandbox'");
    change(&l, "UPDATE renewals SET state = 'charging', payment_id = 'k', payment_driver = 'stripe'");
    l.f->clock.manual_ms = l.f->now = ms_of("2026-02-16");
    work(&l);
    assert_string_equal(renewals_of(&l), "2026-02-15 charging 1000");
    check_books(&l, 0);
    life_end(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(unpaid_to_the_end),
        TEST(a_new_card_in_between),
        TEST(a_try_that_is_asked_for_leaves_the_schedule),
        TEST(without_a_card_a_try_fails),
        TEST(what_waits_is_not_collected_again),
        TEST(a_second_part_of_a_day),
        TEST(an_unpaid_year_ends_the_domain),
        TEST(two_renewals_close_a_mailbox_until_both_are_paid),
        TEST(a_registrar_that_refuses),
        TEST(a_registrar_that_refuses_while_a_month_is_unpaid),
        TEST(more_mailboxes_of_a_name_that_is_not_renewed),
        TEST(a_sum_that_leaves_the_range_of_money),
        TEST(a_lost_answer_is_asked_for),
        TEST(no_answer_and_no_charge_is_a_failed_try),
        TEST(an_unknown_charge_waits_until_it_is_known),
        TEST(a_death_before_the_charge),
        TEST(a_death_after_the_charge),
        TEST(a_death_without_a_card),
        TEST(a_card_changed_while_a_charge_was_under_way),
        TEST(a_driver_that_is_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
