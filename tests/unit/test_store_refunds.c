#include "store/books.h"
#include "store/refunds.h"
#include "store_fixture.h"

#define REFUNDS                                                                                                        \
    "SELECT (SELECT name FROM domains d WHERE d.id = r.domain_id) || ' ' || COALESCE((SELECT email FROM accounts a"    \
    " WHERE a.id = r.account_id), '') || ' ' || amount || ' ' || state || ' ' || why FROM refunds r ORDER BY id"
/* What is owed to the customer and not paid out yet. */
#define OWED "SELECT COALESCE(-SUM(amount), 0) FROM ledger_entries WHERE account LIKE 'payable/%'"
#define CASH "SELECT COALESCE(SUM(amount), 0) FROM ledger_entries WHERE account = 'cash/sandbox'"
#define BALANCE "SELECT COALESCE(SUM(amount), 0) FROM ledger_entries"

static void add_line(struct reserve_domain *domain, enum line_kind kind, int64_t quantity, cents unit, cents discount) {
    domain->lines[domain->n_lines++] = (struct bill_line){.kind = kind,
                                                          .quantity = quantity,
                                                          .unit = unit,
                                                          .discount = discount,
                                                          .amount = quantity * unit - discount,
                                                          .from_ms = 1,
                                                          .to_ms = 2};
}

/* A year of 15.00 and N mailboxes of 5.00, with DISCOUNT off the mailboxes. */
static struct reserve_domain priced(struct fixture *f, const char *name, size_t n, cents discount) {
    struct reserve_domain domain = make_domain(f, name, n, "");
    add_line(&domain, LINE_DOMAIN_YEAR, 1, 1500, 0);
    add_line(&domain, LINE_MAILBOX_MONTH, (int64_t)n, 500, discount);
    return domain;
}

static struct reservation reserve(struct fixture *f, enum order_type type, struct reserve_domain *domains, size_t n) {
    struct reservation r = make_order(f, type, domains, n);
    r.amount = 0;
    r.payment_driver = STR("sandbox");
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < domains[i].n_lines; j++) {
            r.amount += domains[i].lines[j].amount;
            r.discount += domains[i].lines[j].discount;
        }
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    return r;
}

static void settle(struct fixture *f, const struct reservation *r) {
    OK(IN_TX(refund_settle_order(f->db, &f->ids, str_of(r->order_id), STR("ch_1"), f->now, &f->error)));
}

static struct reservation place(struct fixture *f, enum order_type type, struct reserve_domain *domains, size_t n) {
    struct reservation r = reserve(f, type, domains, n);
    settle(f, &r);
    return r;
}

/* Ends every step of KIND that is due in STATE. */
static void end_steps(struct fixture *f, enum step_kind kind, enum step_state state, const char *email,
                      int64_t swap_ms) {
    struct step *steps;
    size_t n, ended = 0;
    bool stale;
    OK(IN_TX(step_claim(f->db, f->now, f->now, 99, f->arena, &steps, &n, &f->error)));
    for (size_t i = 0; i < n; i++) {
        if (steps[i].kind != kind || (email && !str_is(steps[i].email, email))) continue;
        struct step_end end = step_end_of(f, state, "refused by the registry");
        end.swap_ms = swap_ms;
        OK(IN_TX(step_record(f->db, &steps[i], &end, &stale, &f->error)));
        assert_false(stale);
        ended++;
    }
    assert_true(ended > 0);
}

static struct refund *claim(struct fixture *f, size_t expected) {
    struct refund *refunds;
    size_t n;
    OK(IN_TX(refund_claim(f->db, f->now, f->now + 1000, 9, f->arena, &refunds, &n, &f->error)));
    assert_int_equal(n, expected);
    return refunds;
}

static bool record(struct fixture *f, const struct refund *refund, enum refund_state state) {
    const struct refund_end end = {
        .state = state, .reference = STR("re_1"), .reason = STR("why not"), .again_ms = f->now + 500, .now_ms = f->now};
    bool stale;
    OK(IN_TX(refund_record(f->db, refund, &end, &stale, &f->error)));
    return !stale;
}

static void a_domain_that_fails_is_refunded_after_its_discount(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domains[] = {priced(f, "one.com", 3, 100), priced(f, "two.com", 1, 0)};
    place(f, ORDER_DFY, domains, 2);
    assert_int_equal(number_of(f, CASH), 4900);
    fixture_run(f, "UPDATE steps SET state = 'blocked' WHERE domain_id <> (SELECT id FROM domains WHERE name = "
                   "'one.com')");
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_FAILED, NULL, 0);
    assert_string_equal(words_of(f, REFUNDS), "one.com  2900 due refused by the registry");
    assert_int_equal(number_of(f, OWED), 2900);
    assert_int_equal(number_of(f, CASH), 4900);
    assert_string_equal(words_of(f, "SELECT payload FROM events WHERE type = 'dfy_domain_failed'"),
                        arena_cstr(f->arena, arena_printf(f->arena,
                                                          "{\"domain\":\"one.com\",\"order_id\":\"%s\",\"reason\":"
                                                          "\"refused by the registry\",\"refund\":29}",
                                                          words_of(f, "SELECT id FROM orders"))));
    struct refund *refund = claim(f, 1);
    assert_true(str_is(refund->payment_reference, "ch_1") && str_is(refund->payment_driver, "sandbox"));
    assert_true(record(f, refund, REFUND_DONE));
    assert_false(record(f, refund, REFUND_DONE));
    assert_int_equal(number_of(f, OWED), 0);
    assert_int_equal(number_of(f, CASH), 2000);
    assert_int_equal(number_of(f, BALANCE), 0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM invoices WHERE kind = 'credit_note' AND total = 2900"), 1);
    claim(f, 0);
}

static void it_waits_for_a_swap_only_when_it_could_not_be_registered(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = priced(f, "one.com", 1, 0), two = priced(f, "two.com", 1, 0);
    place(f, ORDER_DFY, &one, 1);
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_FAILED, NULL, 5000);
    assert_string_equal(words_of(f, "SELECT state || ' ' || (due_ms - created_ms) FROM refunds"), "waiting 5000");
    int64_t due;
    OK(refund_next_due(f->db, &due, &f->error));
    assert_int_equal(due, f->now + 5000);
    claim(f, 0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM events WHERE payload LIKE '%\"refund\":20,\"swap_until\":"
                                  "\"1970-01-01T00:16:45.000Z\"}'"),
                     1);
    f->now += 5000;
    record(f, claim(f, 1), REFUND_DONE);

    place(f, ORDER_DFY, &two, 1);
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_DONE, NULL, 5000);
    end_steps(f, STEP_PUBLISH_DNS, STEP_FAILED, NULL, 5000);
    assert_string_equal(words_of(f, "SELECT state FROM refunds ORDER BY id"), "done|due");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM domains WHERE year_renews_ms + month_renews_ms > 0"), 0);
}

static void a_mailbox_gets_its_share_once(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = priced(f, "one.com", 3, 500); /* 1000 for three */
    struct reservation r = place(f, ORDER_DFY, &one, 1);
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_DONE, NULL, 0);
    end_steps(f, STEP_PUBLISH_DNS, STEP_DONE, NULL, 0);
    end_steps(f, STEP_CREATE_MAILBOX, STEP_FAILED, NULL, 0);
    assert_int_equal(number_of(f, "SELECT SUM(amount) FROM refunds"), 1000);
    assert_string_equal(words_of(f, "SELECT amount FROM refunds ORDER BY account_id"), "333|333|334");
    assert_string_equal(words_of(f, "SELECT state FROM domains"), "partial");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM events WHERE type = 'dfy_account_failed' AND payload LIKE"
                                  " '%@one.com\"%\"reason\":\"%\"refund\":3.33}'"),
                     2);
    struct refund_request request = {.bill_kind = BILL_ORDER,
                                     .bill_id = str_of(r.order_id),
                                     .domain_id = str_of(one.id),
                                     .account_id = str_of(one.accounts[0].id),
                                     .why = STR("again"),
                                     .now_ms = f->now};
    cents amount = 7;
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 0);
    /* The rest of the domain, and not a second time. */
    request.account_id = STR("");
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 1500);
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 0);
    assert_int_equal(number_of(f, OWED), 2500);
}

static void every_bill_of_a_failed_domain_goes_back(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = priced(f, "one.com", 1, 0);
    place(f, ORDER_DFY, &one, 1);
    struct reserve_domain more = make_domain(f, "one.com", 2, ""), late = make_domain(f, "one.com", 1, "");
    more.accounts[0].email = STR("x@one.com"), more.accounts[1].email = STR("y@one.com");
    late.accounts[0].email = STR("z@one.com");
    add_line(&more, LINE_MAILBOX_MONTH, 2, 500, 0);
    add_line(&late, LINE_MAILBOX_MONTH, 1, 400, 0);
    place(f, ORDER_EXTRA_ACCOUNTS, &more, 1);
    struct reservation unpaid = reserve(f, ORDER_EXTRA_ACCOUNTS, &late, 1);
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_FAILED, NULL, 1000);
    assert_string_equal(words_of(f, "SELECT amount || state FROM refunds ORDER BY id"), "2000waiting|1000waiting");
    /* Paid after the domain was lost. */
    settle(f, &unpaid);
    assert_string_equal(words_of(f, "SELECT amount || state || why FROM refunds ORDER BY id DESC LIMIT 1"),
                        "400duethe domain was lost");
    static const char lost[] = "SELECT payload FROM events WHERE type = 'dfy_account_failed'";
    static const char told[] = "{\"domain\":\"one.com\",\"email\":\"z@one.com\",\"order_id\":\"%s\","
                               "\"reason\":\"the domain was lost\",\"refund\":4}";
    char expected[200];
    snprintf(expected, sizeof expected, told, unpaid.order_id);
    assert_string_equal(words_of(f, lost), expected);
    settle(f, &unpaid);
    assert_string_equal(words_of(f, lost), expected);
    assert_int_equal(number_of(f, OWED), 3400);
    assert_int_equal(number_of(f, CASH), 3400);
}

static void what_cost_nothing_is_not_refunded(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = make_domain(f, "one.com", 1, "");
    add_line(&one, LINE_DOMAIN_YEAR, 1, 1500, 1500);
    add_line(&one, LINE_MAILBOX_MONTH, 1, 500, 500);
    place(f, ORDER_DFY, &one, 1);
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_FAILED, NULL, 1000);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM refunds"), 0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM events WHERE payload LIKE '%refund\":%'"), 0);
}

static void a_renewals_mailbox_gets_its_item(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = priced(f, "one.com", 2, 0);
    place(f, ORDER_DFY, &one, 1);
    const struct charged paid = {.kind = BILL_RENEWAL,
                                 .bill_id = STR("01900000-0000-7000-8000-0000000000b1"),
                                 .workspace_id = STR(WORKSPACE),
                                 .payment_id = STR("key"),
                                 .driver = STR("sandbox"),
                                 .reference = STR("ch_2"),
                                 .amount = 1100,
                                 .now_ms = f->now};
    fixture_run(f,
                "INSERT INTO renewals SELECT '01900000-0000-7000-8000-0000000000b1', workspace_id, 1, 0, 'paid', 1100,"
                " 0, 0, 1, 1, 1, 'key', 1, 0, 'sandbox', 'tok', 'visa', '4242', '', 1 FROM orders");
    fixture_run(f, "INSERT INTO renewal_items SELECT '01900000-0000-7000-8000-0000000000b1', 'mailbox_month',"
                   " domain_id, id, CASE WHEN email = 'a@one.com' THEN 500 ELSE 600 END, 1, 2, 1 FROM accounts");
    fixture_run(f, "INSERT INTO bill_lines SELECT '01900000-0000-7000-8000-0000000000b1', 0, 'mailbox_month', id, 1,"
                   " 1100, 0, 1100, 1, 2 FROM domains");
    struct refund_request request = {.bill_kind = BILL_RENEWAL,
                                     .bill_id = paid.bill_id,
                                     .domain_id = str_of(one.id),
                                     .account_id = str_of(one.accounts[1].id),
                                     .why = STR("cancelled"),
                                     .now_ms = f->now};
    cents amount;
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 0); /* not charged yet */
    OK(IN_TX(books_charged(f->db, &paid, &f->error)));
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 600);
    request.account_id = STR("");
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 500);
    request.bill_kind = BILL_ORDER;
    FAILS(ERR_INTERNAL, IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
}

static void a_refused_one_stays_owed_until_it_is_made(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = priced(f, "one.com", 1, 0);
    place(f, ORDER_DFY, &one, 1);
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_FAILED, NULL, 0);
    struct refund *refund = claim(f, 1);
    /* Without an answer it comes again, under the same id. */
    assert_true(record(f, refund, REFUND_DUE));
    claim(f, 0);
    f->now += 500;
    struct refund *again = claim(f, 1);
    assert_true(str_eq(again->id, refund->id) && again->attempts == 2);
    assert_false(record(f, refund, REFUND_DONE));
    assert_true(record(f, again, REFUND_FAILED));
    assert_int_equal(number_of(f, OWED), 2000);
    const struct refund_query stuck = {.stuck = true, .max = 9};
    struct refund *list;
    size_t n;
    OK(refund_list(f->db, &stuck, f->arena, &list, &n, &f->error));
    assert_int_equal(n, 1);
    assert_true(list->state == REFUND_FAILED && str_is(list->reason, "why not") && str_is(list->domain, "one.com"));
    f->now += 86400000;
    claim(f, 0);
    OK(IN_TX(refund_retry(f->db, refund->id, f->now, &f->error)));
    assert_true(record(f, claim(f, 1), REFUND_DONE));
    assert_int_equal(number_of(f, OWED), 0);
    assert_int_equal(number_of(f, BALANCE), 0);
    assert_string_equal(words_of(f, "SELECT state || amount FROM payments WHERE kind = 'refund'"), "succeeded2000");
    FAILS(ERR_CONFLICT, IN_TX(refund_retry(f->db, refund->id, f->now, &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(refund_retry(f->db, STR("none"), f->now, &f->error)));
}

static void leases_end_and_are_given_up(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = priced(f, "one.com", 1, 0);
    place(f, ORDER_DFY, &one, 1);
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_FAILED, NULL, 0);
    struct refund *lost = claim(f, 1);
    claim(f, 0);
    OK(IN_TX(refund_free_all(f->db, f->now, &f->error)));
    struct refund *mine = claim(f, 1);
    f->now += 1000;
    struct refund *third = claim(f, 1);
    assert_false(record(f, lost, REFUND_DONE));
    assert_false(record(f, mine, REFUND_FAILED));
    assert_true(record(f, third, REFUND_DONE));
}

static void an_operator_gives_back_no_more_than_is_left(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domains[] = {priced(f, "one.com", 1, 0), priced(f, "two.com", 1, 0)};
    struct reservation r = place(f, ORDER_DFY, domains, 2);
    struct str order = str_of(r.order_id);
    char id[UUID_TEXT];
    FAILS(ERR_INVALID, IN_TX(refund_make(f->db, &f->ids, order, 4001, STR("sorry"), f->now, id, &f->error)));
    assert_non_null(strstr(f->error.message, "40.00 is all that is left"));
    FAILS(ERR_INVALID, IN_TX(refund_make(f->db, &f->ids, order, 0, STR("sorry"), f->now, id, &f->error)));
    for (int i = 0; i < 2; i++)
        OK(IN_TX(refund_make(f->db, &f->ids, order, 1250, STR("sorry"), f->now, id, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(refund_make(f->db, &f->ids, str_of(id), 1, STR("sorry"), f->now, id, &f->error)));
    assert_non_null(strstr(f->error.message, "is a refund"));
    FAILS(ERR_NOT_FOUND, IN_TX(refund_make(f->db, &f->ids, STR("none"), 1, STR("sorry"), f->now, id, &f->error)));
    /* What fails afterwards gets what is left, in all. */
    end_steps(f, STEP_REGISTER_DOMAIN, STEP_FAILED, NULL, 0);
    assert_string_equal(words_of(f, "SELECT amount FROM refunds ORDER BY id"), "1250|1250|1500");
    FAILS(ERR_INVALID, IN_TX(refund_make(f->db, &f->ids, order, 1, STR("sorry"), f->now, id, &f->error)));
    assert_int_equal(number_of(f, OWED), 4000);
    struct reserve_domain three = priced(f, "three.com", 1, 0);
    struct reservation unpaid = reserve(f, ORDER_DFY, &three, 1);
    FAILS(ERR_CONFLICT,
          IN_TX(refund_make(f->db, &f->ids, str_of(unpaid.order_id), 1, STR("sorry"), f->now, id, &f->error)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
        TEST(a_domain_that_fails_is_refunded_after_its_discount),
        TEST(it_waits_for_a_swap_only_when_it_could_not_be_registered),
        TEST(a_mailbox_gets_its_share_once),
        TEST(every_bill_of_a_failed_domain_goes_back),
        TEST(what_cost_nothing_is_not_refunded),
        TEST(a_renewals_mailbox_gets_its_item),
        TEST(a_refused_one_stays_owed_until_it_is_made),
        TEST(leases_end_and_are_given_up),
        TEST(an_operator_gives_back_no_more_than_is_left),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
