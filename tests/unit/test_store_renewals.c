/* renewals in the database: first days, what is collected, leases, and what people see. */
#include "core/calendar.h"
#include "renew_fixture.h"
#include "store/renewals_view.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

#define DAYS                                                                                                           \
    "SELECT date(renews_ms / 1000, 'unixepoch') FROM accounts UNION ALL SELECT CASE month_renews_ms WHEN 0 THEN '-'"   \
    " ELSE date(month_renews_ms / 1000, 'unixepoch') END || '/' || date(year_renews_ms / 1000, 'unixepoch') FROM "     \
    "domains"

static void an_order_settled_late_counts_from_its_day(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-15T23:59:59.999Z");
    struct fixture *f = l.f;
    struct reserve_domain domain = priced_domain(&l, "one.com", 'a', 1, PROVIDER_GOOGLE);
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    r.amount = 0;
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    assert_int_equal(number_of(f, "SELECT SUM(renews_ms) FROM accounts"), 0);
    int64_t due;
    OK(renewal_next_due(f->db, &due, &f->error));
    assert_true(due == INT64_MAX);
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR(""), ms_of("2026-01-17"), &f->error)));
    assert_string_equal(words_of(f, DAYS), "2026-02-15|-/2027-01-15");
    OK(renewal_next_due(f->db, &due, &f->error));
    assert_int_equal(due, ms_of("2026-02-15"));
    /* Beginning again changes nothing. */
    fixture_run(f, "UPDATE accounts SET renews_ms = 7");
    OK(IN_TX(renewal_begin(f->db, str_of(r.order_id), &f->error)));
    assert_int_equal(number_of(f, "SELECT renews_ms FROM accounts"), 7);
    FAILS(ERR_NOT_FOUND, IN_TX(renewal_begin(f->db, STR("no"), &f->error)));
    life_end(&l);
}

static void what_is_in_a_renewal_does_not_begin_again(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    struct fixture *f = l.f;
    buy(&l, "one.com", 1);
    set_card(&l, "tok_declined");
    live_until(&l, "2026-02-15");
    assert_int_equal(number_of(f, "SELECT renews_ms FROM accounts"), 0);
    char order[UUID_TEXT];
    snprintf(order, sizeof order, "%s", words_of(f, "SELECT id FROM orders"));
    OK(IN_TX(renewal_begin(f->db, str_of(order), &f->error)));
    assert_int_equal(number_of(f, "SELECT renews_ms FROM accounts"), 0);
    life_end(&l);
}

static void days_are_collected_in_their_order(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 2);
    l.f->clock.manual_ms = l.f->now = ms_of("2026-01-20");
    buy(&l, "two.com", 1);
    l.f->clock.manual_ms = l.f->now = ms_of("2026-02-14T23:59:59.999Z");
    assert_int_equal(life_collect(&l, 9), 0);
    l.f->clock.manual_ms = l.f->now = ms_of("2027-03-01");
    assert_int_equal(life_collect(&l, 1), 1);
    assert_string_equal(renewals_of(&l), "2026-02-15 due 1000");
    assert_int_equal(life_collect(&l, 9), 3);
    assert_string_equal(renewals_of(&l),
                        "2026-02-15 due 1000|2026-03-15 due 500|2027-01-10 due 1500|2027-01-20 due 1500");
    assert_int_equal(life_collect(&l, 9), 0);
    life_end(&l);
}

static bool record(struct life *l, const struct renewal_try *attempt, enum renewal_end end) {
    struct fixture *f = l->f;
    bool stale;
    const struct renewal_result result = {
        .end = end, .reason = STR("why"), .was_asked = true, .again_ms = f->now + 5000, .now_ms = f->now};
    OK(IN_TX(renewal_record(f->db, &f->ids, attempt, &result, &stale, &f->error)));
    return !stale;
}

/* Whoever comes back late, after its lease, begins no charge. */
static void a_lease_that_was_lost_charges_nothing(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    struct fixture *f = l.f;
    buy(&l, "one.com", 1);
    f->clock.manual_ms = f->now = ms_of("2026-02-15");
    assert_int_equal(life_collect(&l, 9), 1);
    struct renewal_try *late, *other;
    size_t n;
    enum renewal_start start;
    OK(IN_TX(renewal_claim(f->db, f->now, f->now + LEASE_MS, 9, f->arena, &late, &n, &f->error)));
    assert_int_equal(n, 1);
    f->now += LEASE_MS;
    OK(IN_TX(renewal_claim(f->db, f->now, f->now + LEASE_MS, 9, f->arena, &other, &n, &f->error)));
    assert_int_equal(n, 1);
    OK(IN_TX(renewal_start(f->db, &f->ids, late, f->now, false, f->arena, &start, &f->error)));
    assert_int_equal(start, RENEWAL_LOST);
    assert_string_equal(renewals_of(&l), "2026-02-15 due 500");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM bill_lines WHERE bill_id IN (SELECT id FROM renewals)"), 0);
    OK(IN_TX(renewal_start(f->db, &f->ids, other, f->now, false, f->arena, &start, &f->error)));
    assert_int_equal(start, RENEWAL_STARTED);
    assert_string_equal(renewals_of(&l), "2026-02-15 charging 500");
    /* A start frees one that was claimed and not begun, too. */
    assert_true(record(&l, other, RENEWAL_END_FAILED));
    f->now = ms_of("2026-03-01");
    OK(IN_TX(renewal_claim(f->db, f->now, f->now + LEASE_MS, 9, f->arena, &late, &n, &f->error)));
    assert_int_equal(n, 1);
    OK(IN_TX(renewal_free_all(f->db, f->now, &f->error)));
    OK(IN_TX(renewal_claim(f->db, f->now, f->now + LEASE_MS, 9, f->arena, &other, &n, &f->error)));
    assert_int_equal(n, 1);
    life_end(&l);
}

static void a_lease_has_a_number(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 1);
    l.f->clock.manual_ms = l.f->now = ms_of("2026-02-15");
    assert_int_equal(life_collect(&l, 9), 1);
    struct renewal_try first = life_claim(&l, 9).tries[0];
    assert_int_equal(first.amount, 500);
    assert_true(first.payment_id.n && str_is(first.driver, "sandbox") && str_is(first.token, "tok_visa"));
    assert_int_equal(first.payment_ms, l.f->now);
    assert_int_equal(life_claim(&l, 9).n, 0); /* leased */
    l.f->now += LEASE_MS;
    struct renewal_try second = life_claim(&l, 9).tries[0];
    assert_true(second.is_resumed && !second.is_unanswered);
    assert_true(str_eq(second.payment_id, first.payment_id));
    assert_false(record(&l, &first, RENEWAL_END_PAID));
    assert_true(record(&l, &second, RENEWAL_END_UNKNOWN));
    l.f->now += 5000;
    struct renewal_try third = life_claim(&l, 9).tries[0];
    assert_int_equal(third.attempts, second.attempts + 1);
    assert_false(record(&l, &second, RENEWAL_END_PAID));
    assert_true(record(&l, &third, RENEWAL_END_PAID));
    assert_false(record(&l, &third, RENEWAL_END_PAID)); /* it has ended */
    life_end(&l);
}

static void an_unknown_one_keeps_its_key_and_a_failed_one_gets_another(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    buy(&l, "one.com", 1);
    l.f->clock.manual_ms = l.f->now = ms_of("2026-02-15");
    assert_int_equal(life_collect(&l, 9), 1);
    struct renewal_try first = life_claim(&l, 9).tries[0];
    assert_true(record(&l, &first, RENEWAL_END_UNKNOWN));
    assert_int_equal(life_claim(&l, 9).n, 0); /* asked again later */
    l.f->now += 5000;
    struct renewal_try second = life_claim(&l, 9).tries[0];
    assert_true(second.is_resumed && second.is_unanswered && str_eq(second.payment_id, first.payment_id));
    assert_true(record(&l, &second, RENEWAL_END_FAILED));
    assert_int_equal(life_claim(&l, 9).n, 0);
    l.f->now += CALENDAR_DAY_MS;
    struct renewal_try third = life_claim(&l, 9).tries[0];
    assert_false(third.is_resumed || third.is_unanswered || str_eq(third.payment_id, first.payment_id));
    assert_int_equal(third.failures, 1);
    assert_true(record(&l, &third, RENEWAL_END_AGAIN));
    struct renewal_try fourth = life_claim(&l, 9).tries[0];
    assert_false(fourth.is_resumed || str_eq(fourth.payment_id, third.payment_id));
    assert_int_equal(fourth.failures, 1);
    assert_true(record(&l, &fourth, RENEWAL_END_PAID));
    assert_int_equal(life_claim(&l, 9).n, 0);
    life_end(&l);
}

static void the_database_has_one_renewal_a_day_and_part(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    struct fixture *f = l.f;
    buy(&l, "one.com", 1);
    live_until(&l, "2026-02-15");
    FAILS(ERR_CONFLICT,
          stmt_run(db_stmt(f->db, "INSERT INTO renewals SELECT 'another', workspace_id, day_ms, part, state, amount,"
                                  " failures, stage, next_ms, attempts, due_ms, payment_id, payment_ms, unanswered,"
                                  " payment_driver, card_token, card_brand, card_last4, reason, created_ms"
                                  " FROM renewals"),
                   NULL, &f->error));
    life_end(&l);
}

static void people_see_what_was_made_and_what_comes(void **state) {
    struct life l;
    life_begin(*state, &l, "2026-01-10");
    struct fixture *f = l.f;
    buy(&l, "one.com", 2);
    live_until(&l, "2026-02-15");
    set_card(&l, "tok_declined");
    live_until(&l, "2026-03-15");
    struct renewal_row *rows;
    size_t n;
    OK(renewals_page(f->db, STR(WORKSPACE), STR(""), 1, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].day_ms, ms_of("2026-03-15"));
    assert_int_equal(rows[0].state, RENEWAL_DUE);
    assert_int_equal(rows[0].failures, 1);
    assert_false(rows[0].cancels);
    OK(renewals_page(f->db, STR(WORKSPACE), rows[0].id, 9, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].state, RENEWAL_PAID);
    assert_int_equal(rows[0].n_lines, 1);
    assert_true(str_is(rows[0].lines[0].domain, "one.com"));
    assert_int_equal(rows[0].lines[0].line.quantity, 2);
    assert_int_equal(rows[0].lines[0].line.amount, 1000);
    OK(renewals_page(f->db, STR(STRANGER), STR(""), 9, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 0);
    OK(renewals_list(f->db, false, STR(""), 9, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 2);
    struct str newest = rows[0].id, oldest = rows[1].id;
    OK(renewals_list(f->db, false, newest, 9, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 1);
    assert_true(str_eq(rows[0].id, oldest));
    OK(renewals_list(f->db, false, oldest, 9, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 0);
    OK(renewals_list(f->db, true, STR(""), 9, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 1);
    char order[UUID_TEXT];
    snprintf(order, sizeof order, "%s", words_of(f, "SELECT id FROM orders"));
    OK(renewals_of_order(f->db, str_of(order), f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].state, RENEWAL_DUE);

    /* The unpaid one's things come again a month later, but not those that are cancelled. */
    cancel(&l, "a1@one.com");
    struct upcoming_day *days;
    OK(renewals_upcoming(f->db, STR(WORKSPACE), ms_of("2027-01-11"), f->arena, &days, &n, &f->error));
    assert_int_equal(n, 10);
    assert_int_equal(days[0].day_ms, ms_of("2026-04-15"));
    assert_int_equal(days[0].amount, 500);
    assert_int_equal(days[n - 1].day_ms, ms_of("2027-01-10"));
    assert_int_equal(days[n - 1].n[LINE_DOMAIN_YEAR], 1);
    OK(renewals_upcoming(f->db, STR(STRANGER), INT64_MAX, f->arena, &days, &n, &f->error));
    assert_int_equal(n, 0);
    live_until(&l, "2026-03-30");
    OK(renewals_list(f->db, true, STR(""), 9, f->arena, &rows, &n, &f->error));
    assert_true(rows[0].cancels);
    life_end(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_order_settled_late_counts_from_its_day),
        TEST(what_is_in_a_renewal_does_not_begin_again),
        TEST(days_are_collected_in_their_order),
        TEST(a_lease_that_was_lost_charges_nothing),
        TEST(a_lease_has_a_number),
        TEST(an_unknown_one_keeps_its_key_and_a_failed_one_gets_another),
        TEST(the_database_has_one_renewal_a_day_and_part),
        TEST(people_see_what_was_made_and_what_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
