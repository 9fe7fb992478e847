#include "core/restricted.h"
#include "store/cancel.h"
#include "store/events.h"
#include "store/facts.h"
#include "store/steps.h"
#include "store_fixture.h"

static struct reservation place(struct fixture *f, enum order_type type, struct reserve_domain *domain) {
    struct reservation r = make_order(f, type, domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    return r;
}

struct claimed {
    struct step *steps;
    size_t n;
};

static struct claimed claim(struct fixture *f) {
    struct claimed c;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 99, f->arena, &c.steps, &c.n, &f->error)));
    return c;
}

static bool record(struct fixture *f, const struct step *step, enum step_state end, const char *reason) {
    bool stale = false;
    struct step_end ends = step_end_of(f, end, reason);
    OK(IN_TX(step_record(f->db, step, &ends, &stale, &f->error)));
    return !stale;
}

/* Runs everything that is due, as often as something is. */
static void work_off(struct fixture *f) {
    for (struct claimed c = claim(f); c.n; c = claim(f))
        for (size_t i = 0; i < c.n; i++) assert_true(record(f, &c.steps[i], STEP_DONE, ""));
}

struct cancelled {
    struct account_row *rows;
    size_t n;
    char audit_id[UUID_TEXT];
};

static bool try_cancel(struct fixture *f, const char *workspace, const char *const *emails, size_t n,
                       struct cancelled *ret) {
    struct str list[8];
    for (size_t i = 0; i < n; i++) list[i] = str_of(emails[i]);
    ids_uuid(&f->ids, ret->audit_id);
    const struct cancellation job = {
        .workspace_id = str_of(workspace),
        .emails = list,
        .n = n,
        .audit_id = str_of(ret->audit_id),
        .actor = {STR("key"), STR("192.0.2.1"), STR("agent")},
        .now_ms = f->now,
    };
    return IN_TX(cancel_accounts(f->db, &job, f->arena, &ret->rows, &ret->n, &f->error));
}

#define CANCEL(...)                                                                                                    \
    cancel(f, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
static struct cancelled cancel(struct fixture *f, const char *const *emails, size_t n) {
    struct cancelled c = {.n = 0};
    OK(try_cancel(f, WORKSPACE, emails, n, &c));
    return c;
}

#define STATES "SELECT kind || ' ' || state || ' ' || reason FROM steps ORDER BY domain_id, rank, account_id, kind"
#define DOMAINS "SELECT name || ' ' || state || ' ' || active || ' ' || cancelled_ms FROM domains ORDER BY id"
#define ACCOUNTS "SELECT email || ' ' || state || ' ' || active || ' ' || cancelled_ms FROM accounts ORDER BY id"

static void a_mailbox_ends_and_its_address_is_free_once_it_is_removed(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    work_off(f);
    f->now = 2000000;
    struct cancelled c = CANCEL(" A@One.com ", "none@one.com", "a@one.com");
    assert_int_equal(c.n, 1);
    assert_true(str_is(c.rows[0].email, "a@one.com") && str_is(c.rows[0].domain, "one.com"));
    assert_true(c.rows[0].state == ACCOUNT_CANCELLED && c.rows[0].cancelled_ms == 2000000);
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com cancelled 1 2000000|b@one.com ready 1 0");
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1 0");
    struct reserve_domain extra = make_domain(f, "one.com", 1, "");
    struct reservation early = make_order(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &early, &f->error)));

    struct claimed steps = claim(f);
    assert_int_equal(steps.n, 1);
    assert_int_equal(steps.steps[0].kind, STEP_REMOVE_MAILBOX);
    assert_true(str_is(steps.steps[0].email, "a@one.com") && str_is(steps.steps[0].account_id, domain.accounts[0].id));
    assert_true(record(f, &steps.steps[0], STEP_RETRYING, "silent"));
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &early, &f->error)));
    f->now += 500;
    work_off(f);
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com cancelled 0 2000000|b@one.com ready 1 0");
    place(f, ORDER_EXTRA_ACCOUNTS, &extra);
    work_off(f);
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1 0");

    f->now = 3000000;
    c = CANCEL("a@one.com"); /* the newest of that address */
    assert_true(str_is(c.rows[0].id, extra.accounts[0].id) && c.rows[0].cancelled_ms == 3000000);
}

static void twice_is_once(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    work_off(f);
    CANCEL("a@one.com");
    work_off(f);
    int64_t first = f->now;
    f->now += 5000;
    struct cancelled c = CANCEL("b@one.com", "a@one.com");
    assert_int_equal(c.n, 2);
    assert_true(str_is(c.rows[0].email, "b@one.com") && c.rows[0].cancelled_ms == f->now);
    assert_true(str_is(c.rows[1].email, "a@one.com") && c.rows[1].cancelled_ms == first);
    CANCEL("a@one.com", "b@one.com");
    work_off(f);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM audit_logs WHERE activity = 'accounts_cancelled'"), 2);
    assert_string_equal(words_of(f, "SELECT detail FROM audit_logs WHERE activity = 'accounts_cancelled' ORDER BY id"),
                        "{\"accounts\":[\"a@one.com\"]}|{\"accounts\":[\"b@one.com\"]}");
    assert_string_equal(words_of(f, "SELECT key_id || address || user_agent || affected FROM audit_logs"
                                    " WHERE activity = 'accounts_cancelled' LIMIT 1"),
                        "key192.0.2.1agent1");
    assert_string_equal(words_of(f, "SELECT domain || payload FROM events WHERE type = 'dfy_account_cancelled'"
                                    " AND json_extract(payload, '$.email') = 'a@one.com'"),
                        words_of(f, "SELECT 'one.com{\"domain\":\"one.com\",\"email\":\"a@one.com\",\"order_id\":\"'"
                                    " || id || '\"}' FROM orders"));
}

static void strangers_and_unpaid_ones_are_not_known(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, ""), unpaid = make_domain(f, "two.com", 1, "");
    place(f, ORDER_DFY, &domain);
    struct reservation r = make_order(f, ORDER_DFY, &unpaid, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    struct cancelled c = {.n = 0};
    static const char *const emails[] = {"a@one.com"}, *const reserved[] = {"a@two.com"};
    FAILS(ERR_NOT_FOUND, try_cancel(f, STRANGER, emails, 1, &c));
    assert_string_equal(f->error.message, "Resource not found");
    FAILS(ERR_NOT_FOUND, try_cancel(f, WORKSPACE, reserved, 1, &c));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM accounts WHERE state = 'cancelled'"), 0);
}

static void with_the_last_mailbox_the_domain_ends(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    work_off(f);
    CANCEL("a@one.com");
    f->now += 10;
    CANCEL("b@one.com");
    assert_string_equal(words_of(f, DOMAINS), "one.com cancelled 1 1000010");
    work_off(f);
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com cancelled 0 1000000|b@one.com cancelled 0 1000010");
    struct reserve_domain extra = make_domain(f, "one.com", 1, ""), again = make_domain(f, "one.com", 1, "");
    struct reservation r = make_order(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    r = make_order(f, ORDER_DFY, &again, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
}

static void what_is_blocked_or_retried_is_skipped(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "target.org");
    place(f, ORDER_DFY, &domain);
    struct claimed c = claim(f);
    assert_true(record(f, &c.steps[0], STEP_RETRYING, "silent"));
    CANCEL("a@one.com");
    assert_string_equal(words_of(f, STATES),
                        "register_domain retrying silent|publish_dns blocked |set_forwarding blocked "
                        "|create_mailbox skipped cancelled|create_mailbox blocked "
                        "|remove_mailbox due ");
    work_off(f); /* the removal waits for nobody, and wakes nobody */
    assert_string_equal(words_of(f, "SELECT state FROM steps WHERE kind = 'publish_dns'"), "blocked");
    CANCEL("b@one.com");
    assert_string_equal(words_of(f, "SELECT DISTINCT state || ' ' || reason FROM steps WHERE kind <> 'remove_mailbox'"),
                        "skipped cancelled");
    work_off(f);
    assert_string_equal(words_of(f, DOMAINS), "one.com cancelled 1 1000000");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM accounts WHERE active = 1"), 0);
}

static void whoever_is_at_it_is_fenced_and_waited_for(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    for (int i = 0; i < 2; i++) {
        struct claimed c = claim(f);
        assert_true(record(f, &c.steps[0], STEP_DONE, ""));
    }
    struct claimed making = claim(f); /* until now + 1000 */
    assert_int_equal(making.n, 2);
    f->now += 300;
    const struct step *first = str_is(making.steps[0].email, "a@one.com") ? &making.steps[0] : &making.steps[1];
    const struct step *second = first == &making.steps[0] ? &making.steps[1] : &making.steps[0];
    CANCEL("a@one.com");
    assert_int_equal(claim(f).n, 0);
    int64_t due;
    OK(step_next_due(f->db, &due, &f->error));
    assert_true(due == f->now + 700);
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com cancelled 1 1000300|b@one.com pending 1 0");
    assert_true(record(f, second, STEP_DONE, ""));
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1 0"); /* without the removal */
    OK(IN_TX(step_free_all(f->db, f->now, &f->error)));
    assert_int_equal(claim(f).n, 0);
    f->now += 700;
    work_off(f);
    assert_false(record(f, first, STEP_DONE, ""));
    assert_false(record(f, first, STEP_FAILED, "no"));
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com cancelled 0 1000300|b@one.com ready 1 0");
}

static void whoever_was_at_it_and_ends_is_waited_for_no_longer(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain);
    for (int i = 0; i < 2; i++) record(f, &claim(f).steps[0], STEP_DONE, "");
    struct claimed lost = claim(f);
    f->now += 1000; /* its lease ends, and somebody else takes it */
    struct claimed making = claim(f);
    f->now += 300;
    CANCEL("a@one.com");
    assert_false(record(f, &lost.steps[0], STEP_DONE, ""));
    assert_int_equal(claim(f).n, 0);
    assert_false(record(f, &making.steps[0], STEP_RETRYING, "silent"));
    struct claimed removing = claim(f);
    assert_int_equal(removing.n, 1);
    assert_int_equal(removing.steps[0].kind, STEP_REMOVE_MAILBOX);
}

static void the_last_open_mailbox_makes_the_domain_ready(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    for (int i = 0; i < 2; i++) record(f, &claim(f).steps[0], STEP_DONE, "");
    struct claimed c = claim(f);
    for (size_t i = 0; i < c.n; i++)
        record(f, &c.steps[i], str_is(c.steps[i].email, "a@one.com") ? STEP_RETRYING : STEP_DONE, "silent");
    CANCEL("a@one.com");
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1 0");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM events WHERE type = 'dfy_domain_ready'"), 1);
}

static void failed_ones_are_cancelled_without_removal(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    for (int i = 0; i < 2; i++) record(f, &claim(f).steps[0], STEP_DONE, "");
    struct claimed c = claim(f);
    for (size_t i = 0; i < c.n; i++)
        record(f, &c.steps[i], str_is(c.steps[i].email, "a@one.com") ? STEP_FAILED : STEP_DONE, "full");
    struct reserve_domain extra = make_domain(f, "one.com", 1, "");
    struct reservation r = make_order(f, ORDER_EXTRA_ACCOUNTS, &extra, 1); /* the address again */
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    CANCEL("a@one.com");
    assert_string_equal(words_of(f, ACCOUNTS),
                        "a@one.com cancelled 0 1000000|b@one.com ready 1 0|a@one.com reserved 1 0");
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1 0"); /* it was partial for that one alone */
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM steps WHERE kind = 'remove_mailbox'"), 0);
    struct order_row *stuck;
    size_t n;
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    work_off(f);
    OK(order_list(f->db, true, 9, f->arena, &stuck, &n, &f->error));
    assert_int_equal(n, 0);
}

static void a_failed_domain_still_removes(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    struct claimed c = claim(f);
    CANCEL("a@one.com");
    assert_true(record(f, &c.steps[0], STEP_FAILED, "taken"));
    assert_string_equal(words_of(f, DOMAINS), "one.com failed 0 0");
    work_off(f);
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com cancelled 0 1000000|b@one.com failed 0 0");
    CANCEL("b@one.com");
    assert_string_equal(words_of(f, DOMAINS), "one.com cancelled 0 1000000");
}

static void what_may_still_be_bought_keeps_the_domain(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, ""), extra = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    work_off(f);
    extra.accounts++, extra.n_accounts = 1; /* b@ */
    struct reservation paid = make_order(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    OK(IN_TX(order_reserve(f->db, &paid, &f->error)));
    CANCEL("a@one.com");
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1 0");
    OK(IN_TX(order_settle(f->db, str_of(paid.order_id), STR("ch_1"), f->now, &f->error)));
    work_off(f);
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1 0");

    struct reserve_domain late = make_domain(f, "one.com", 1, "");
    struct reservation declined = make_order(f, ORDER_EXTRA_ACCOUNTS, &late, 1);
    OK(IN_TX(order_reserve(f->db, &declined, &f->error)));
    CANCEL("b@one.com");
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1 0");
    f->now += 10;
    OK(IN_TX(order_release(f->db, str_of(declined.order_id), STR("generic_decline"), STR("the bank said no"), STR(""),
                           f->now, &f->error)));
    assert_string_equal(words_of(f, DOMAINS), "one.com cancelled 1 1000010");
}

static void extra_mailboxes_for_a_cancelled_domain_are_missing(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain);
    work_off(f);
    CANCEL("a@one.com");
    struct account account = {STR("z"), STR("Ada"), STR("Byron")};
    struct order_item item = {
        .domain = STR("one.com"), .provider = PROVIDER_GOOGLE, .accounts = &account, .n_accounts = 1};
    struct order order = {.type = ORDER_EXTRA_ACCOUNTS, .items = &item, .n_items = 1};
    struct restricted *restricted = restricted_create_default(NULL, 0);
    const struct rules rules = {.restricted = restricted};
    struct check *check = check_words(&order, &rules, f->arena);
    struct domain_facts facts;
    OK(facts_gather(f->db, check, STR(WORKSPACE), f->arena, &facts, &f->error));
    check_facts(check, &facts, &rules, f->arena);
    assert_int_equal(check_error(check), FAULT_MISSING_ORDER);
    restricted_destroy(restricted);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(a_mailbox_ends_and_its_address_is_free_once_it_is_removed),
        CASE(twice_is_once),
        CASE(strangers_and_unpaid_ones_are_not_known),
        CASE(with_the_last_mailbox_the_domain_ends),
        CASE(what_is_blocked_or_retried_is_skipped),
        CASE(whoever_is_at_it_is_fenced_and_waited_for),
        CASE(whoever_was_at_it_and_ends_is_waited_for_no_longer),
        CASE(the_last_open_mailbox_makes_the_domain_ready),
        CASE(failed_ones_are_cancelled_without_removal),
        CASE(a_failed_domain_still_removes),
        CASE(what_may_still_be_bought_keeps_the_domain),
        CASE(extra_mailboxes_for_a_cancelled_domain_are_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
