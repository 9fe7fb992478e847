#include "store/cancel.h"
#include "store/refunds.h"
#include "store/swap.h"
#include "store_fixture.h"

#define OWED "SELECT COALESCE(-SUM(amount), 0) FROM ledger_entries WHERE account LIKE 'payable/%'"
#define DOMAINS "SELECT name || ' ' || state || ' ' || active FROM domains ORDER BY id"
#define ACCOUNTS "SELECT email || ' ' || state FROM accounts ORDER BY id"
#define REFUNDS "SELECT state || ' ' || amount FROM refunds ORDER BY id"
#define LINES                                                                                                          \
    "SELECT d.name || ' ' || l.amount FROM bill_lines l JOIN domains d ON d.id = l.domain_id ORDER BY l.bill_id, "     \
    "l.position"

static void add_line(struct reserve_domain *domain, enum line_kind kind, int64_t quantity, cents unit) {
    domain->lines[domain->n_lines++] = (struct bill_line){
        .kind = kind, .quantity = quantity, .unit = unit, .amount = quantity * unit, .from_ms = 1, .to_ms = 2};
}

static struct reservation reserve(struct fixture *f, enum order_type type, struct reserve_domain *domain) {
    struct reservation r = make_order(f, type, domain, 1);
    r.amount = 0;
    r.payment_driver = STR("sandbox");
    for (size_t i = 0; i < domain->n_lines; i++) r.amount += domain->lines[i].amount;
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    return r;
}

static void settle(struct fixture *f, const struct reservation *r) {
    OK(IN_TX(refund_settle_order(f->db, &f->ids, str_of(r->order_id), STR("ch"), f->now, &f->error)));
}

/* N mailboxes more for one.com, from LETTER on. */
static struct reservation reserve_more(struct fixture *f, size_t n, char letter) {
    struct reserve_domain more = make_domain(f, "one.com", n, "");
    for (size_t i = 0; i < n; i++) more.accounts[i].email = arena_printf(f->arena, "%c@one.com", letter + (int)i);
    add_line(&more, LINE_MAILBOX_MONTH, (int64_t)n, 500);
    return reserve(f, ORDER_EXTRA_ACCOUNTS, &more);
}

static void buy(struct fixture *f) {
    struct reserve_domain one = make_domain(f, "one.com", 2, "acme.com");
    add_line(&one, LINE_DOMAIN_YEAR, 1, 1500);
    add_line(&one, LINE_MAILBOX_MONTH, 2, 500);
    struct reservation r = reserve(f, ORDER_DFY, &one);
    settle(f, &r);
}

/* Registering is refused; the refund waits for 5 s. */
static void refuse(struct fixture *f) {
    struct step *steps;
    size_t n;
    bool stale;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1, 9, f->arena, &steps, &n, &f->error)));
    assert_int_equal(n, 1);
    struct step_end end = step_end_of(f, STEP_FAILED, "refused");
    end.swap_ms = 5000;
    OK(IN_TX(step_record(f->db, steps, &end, &stale, &f->error)));
}

static bool look(struct fixture *f, const char *workspace, struct swap_plan *ret) {
    return IN_TX(swap_look(f->db, str_of(workspace), STR("one.com"), f->arena, ret, &f->error));
}

static bool swap_to(struct fixture *f, struct swap_plan *plan, const char *name, bool *ret_stale) {
    char id[UUID_TEXT], audit_id[UUID_TEXT];
    ids_uuid(&f->ids, id);
    ids_uuid(&f->ids, audit_id);
    for (size_t i = 0; i < plan->n_accounts; i++) {
        ids_uuid(&f->ids, plan->accounts[i].id);
        plan->accounts[i].sealed_password = STR("new seal");
    }
    const struct swap swap = {.plan = plan,
                              .name = str_of(name),
                              .id = str_of(id),
                              .audit_id = str_of(audit_id),
                              .ids = &f->ids,
                              .now_ms = f->now + 10};
    return IN_TX(swap_do(f->db, &swap, ret_stale, &f->error));
}

static void all_of_it_goes_over(void **state) {
    struct fixture *f = *state;
    struct swap_plan plan;
    bool stale = true;
    buy(f);
    struct reservation paid = reserve_more(f, 1, 'x');
    settle(f, &paid);
    struct reservation unpaid = reserve_more(f, 1, 'y');
    FAILS(ERR_CONFLICT, look(f, WORKSPACE, &plan)); /* it has not failed yet */
    refuse(f);
    FAILS(ERR_NOT_FOUND, look(f, STRANGER, &plan));
    OK(look(f, WORKSPACE, &plan));
    assert_int_equal(plan.n_accounts, 3);
    assert_true(str_is(plan.accounts[0].account.prefix, "a") && str_is(plan.forwarding, "acme.com"));
    OK(swap_to(f, &plan, "two.com", &stale));
    assert_false(stale);
    assert_string_equal(words_of(f, DOMAINS), "one.com failed 0|two.com provisioning 1");
    assert_string_equal(words_of(f, "SELECT email || ' ' || state FROM accounts WHERE active = 1 ORDER BY email"),
                        "a@two.com pending|b@two.com pending|x@two.com pending|y@one.com reserved");
    assert_string_equal(words_of(f, "SELECT s.kind || ' ' || s.state FROM steps s JOIN domains d ON d.id = s.domain_id"
                                    " WHERE d.name = 'two.com' ORDER BY rank, account_id, kind"),
                        "register_domain due|publish_dns blocked|set_forwarding blocked|create_mailbox blocked"
                        "|create_mailbox blocked|create_mailbox blocked");
    assert_string_equal(words_of(f, REFUNDS), "swapped 2500|swapped 500");
    assert_string_equal(words_of(f, LINES), "two.com 1500|two.com 1000|two.com 500|one.com 500");
    assert_int_equal(number_of(f, OWED), 0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM accounts a JOIN domains d ON d.id = a.domain_id"
                                  " WHERE d.name = 'two.com' AND a.renews_ms > 0"),
                     number_of(f, "SELECT COUNT(*) FROM accounts a JOIN domains d ON d.id = a.domain_id"
                                  " WHERE d.name = 'two.com' AND a.month_price > 0"));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM domains WHERE name = 'two.com' AND year_renews_ms > 0"), 1);
    /* What was not paid yet was for the old one. */
    settle(f, &unpaid);
    assert_string_equal(words_of(f, REFUNDS), "swapped 2500|swapped 500|due 500");
    OK(look(f, WORKSPACE, &plan));
    assert_true(str_is(plan.new_name, "two.com"));
}

static void a_refund_that_is_on_its_way_wins(void **state) {
    struct fixture *f = *state;
    struct swap_plan plan;
    bool stale;
    buy(f);
    refuse(f);
    OK(look(f, WORKSPACE, &plan));
    f->now += 5000;
    struct refund *refunds;
    size_t n;
    OK(IN_TX(refund_claim(f->db, f->now, f->now + 1, 9, f->arena, &refunds, &n, &f->error)));
    assert_int_equal(n, 1);
    FAILS(ERR_CONFLICT, swap_to(f, &plan, "two.com", &stale));
    assert_string_equal(words_of(f, DOMAINS), "one.com failed 0");
    FAILS(ERR_CONFLICT, look(f, WORKSPACE, &plan));
}

static void a_swap_wins_over_a_refund_that_waits(void **state) {
    struct fixture *f = *state;
    struct swap_plan plan, again;
    bool stale;
    buy(f);
    refuse(f);
    OK(look(f, WORKSPACE, &plan));
    again = plan;
    OK(swap_to(f, &plan, "two.com", &stale));
    f->now += 5000;
    struct refund *refunds;
    size_t n;
    OK(IN_TX(refund_claim(f->db, f->now, f->now + 1, 9, f->arena, &refunds, &n, &f->error)));
    assert_int_equal(n, 0);
    OK(swap_to(f, &again, "three.com", &stale));
    assert_true(stale);
    assert_string_equal(words_of(f, DOMAINS), "one.com failed 0|two.com provisioning 1");
}

static void what_changed_meanwhile_is_seen(void **state) {
    struct fixture *f = *state;
    struct swap_plan plan;
    bool stale;
    buy(f);
    refuse(f);
    OK(look(f, WORKSPACE, &plan));
    fixture_run(f, "UPDATE accounts SET state = 'cancelled' WHERE email = 'b@one.com'");
    OK(swap_to(f, &plan, "two.com", &stale));
    assert_true(stale);
    OK(look(f, WORKSPACE, &plan));
    assert_int_equal(plan.n_accounts, 1);
    struct reserve_domain two = make_domain(f, "two.com", 1, "");
    struct reservation other = reserve(f, ORDER_DFY, &two);
    FAILS(ERR_CONFLICT, swap_to(f, &plan, "two.com", &stale));
    assert_string_equal(words_of(f, REFUNDS), "waiting 2500");
    OK(IN_TX(order_release(f->db, str_of(other.order_id), STR(""), STR("no"), STR(""), f->now, &f->error)));
    OK(swap_to(f, &plan, "two.com", &stale));
    assert_false(stale);
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com failed|b@one.com cancelled|a@two.com pending");
}

static bool cancel(struct fixture *f, const char *email) {
    struct str address = str_of(email);
    const struct cancellation job = {.workspace_id = STR(WORKSPACE),
                                     .emails = &address,
                                     .n = 1,
                                     .audit_id = str_of(words_of(f, "SELECT lower(hex(randomblob(16)))")),
                                     .now_ms = f->now};
    struct account_row *rows;
    size_t n;
    return IN_TX(cancel_accounts(f->db, &job, f->arena, &rows, &n, &f->error));
}

/* Its mailbox was paid for and does not go over: its price goes back, and once. */
static void a_mailbox_cancelled_before_the_swap_is_paid_back(void **state) {
    struct fixture *f = *state;
    struct swap_plan plan;
    bool stale;
    buy(f);
    struct reservation more = reserve_more(f, 2, 'x');
    settle(f, &more);
    refuse(f);
    OK(cancel(f, "b@one.com"));
    OK(cancel(f, "x@one.com"));
    OK(cancel(f, "y@one.com"));
    OK(look(f, WORKSPACE, &plan));
    assert_int_equal(plan.n_accounts, 1);
    OK(swap_to(f, &plan, "two.com", &stale));
    assert_false(stale);
    assert_string_equal(
        words_of(f, "SELECT email || ' ' || state FROM accounts ORDER BY email"),
        "a@one.com failed|a@two.com pending|b@one.com cancelled|x@one.com cancelled|y@one.com cancelled");
    assert_int_equal(number_of(f, OWED), 1500);
    /* The rest, when the new one fails, too. */
    f->now += 10;
    refuse(f);
    assert_int_equal(number_of(f, OWED), 3500);
    assert_int_equal(number_of(f, "SELECT SUM(amount) FROM refunds WHERE state <> 'swapped'"), 3500);
}

static void the_new_ones_mailboxes_share_the_line(void **state) {
    struct fixture *f = *state;
    struct swap_plan plan;
    bool stale;
    buy(f);
    refuse(f);
    OK(look(f, WORKSPACE, &plan));
    OK(swap_to(f, &plan, "two.com", &stale));
    struct refund_request request = {.bill_kind = BILL_ORDER,
                                     .bill_id = plan.order_id,
                                     .account_id = str_of(plan.accounts[1].id),
                                     .why = STR("refused"),
                                     .now_ms = f->now};
    request.domain_id = str_of(words_of(f, "SELECT id FROM domains WHERE name = 'two.com'"));
    cents amount;
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 500);
    request.account_id = STR("");
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 2000);
    request.domain_id = plan.old_id;
    OK(IN_TX(refund_decide(f->db, &f->ids, &request, &amount, &f->error)));
    assert_int_equal(amount, 0);
    assert_int_equal(number_of(f, OWED), 2500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
        TEST(all_of_it_goes_over),
        TEST(a_refund_that_is_on_its_way_wins),
        TEST(a_swap_wins_over_a_refund_that_waits),
        TEST(what_changed_meanwhile_is_seen),
        TEST(a_mailbox_cancelled_before_the_swap_is_paid_back),
        TEST(the_new_ones_mailboxes_share_the_line),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
