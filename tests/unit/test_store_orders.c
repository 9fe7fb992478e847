#include <pthread.h>
#include <stdatomic.h>

#include "store/bills.h"
#include "store/facts.h"
#include "store/idempotency.h"
#include "store/inventory.h"
#include "store/sqlite/connection.h"
#include "store/steps.h"
#include "store_fixture.h"

static struct reservation reserve(struct fixture *f, enum order_type type, struct reserve_domain *domains, size_t n) {
    struct reservation r = make_order(f, type, domains, n);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    return r;
}

static struct reservation place(struct fixture *f, enum order_type type, struct reserve_domain *domains, size_t n) {
    struct reservation r = reserve(f, type, domains, n);
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    return r;
}

static void stock_one(struct fixture *f, const char *domain, size_t n) {
    struct account accounts[] = {{STR("a"), STR("Ada"), STR("Byron")}, {STR("b"), STR("Ada"), STR("Byron")}};
    struct stock stock = {.domain = str_of(domain), .provider = PROVIDER_GOOGLE, .accounts = accounts, .n_accounts = n};
    OK(IN_TX(inventory_add(f->db, &stock, f->now, &f->error)));
}

/* All rows that an order makes, readable. */
#define DOMAINS "SELECT name || ' ' || state || ' ' || active FROM domains ORDER BY id"
#define ACCOUNTS "SELECT email || ' ' || state || ' ' || active FROM accounts ORDER BY id"
#define STEPS                                                                                                          \
    "SELECT d.name || ' ' || s.kind || ' ' || s.state FROM steps s JOIN domains d ON d.id = s.domain_id"               \
    " ORDER BY s.domain_id, s.rank, s.account_id, s.kind"

static void reserving_holds_the_names(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    reserve(f, ORDER_DFY, &domain, 1);
    assert_string_equal(words_of(f, DOMAINS), "one.com reserved 1");
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com reserved 1|b@one.com reserved 1");
    assert_string_equal(words_of(f, STEPS), "");
    assert_int_equal(number_of(f, "SELECT length(sealed_password) FROM accounts"), 12);

    struct reserve_domain again[] = {make_domain(f, "two.com", 1, ""), make_domain(f, "one.com", 1, "")};
    struct reservation r = make_order(f, ORDER_DFY, again, 2);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    assert_string_equal(f->error.message, "one.com was taken meanwhile");
    assert_string_equal(words_of(f, DOMAINS), "one.com reserved 1");
}

/* What is charged for a domain of make_domain: its year at 15.00, and each mailbox at 5.00, 1.00 off each line. */
static void price_domain(struct reserve_domain *domain, bool is_new) {
    domain->year_price = is_new ? 1500 : 0;
    domain->mailbox_price = 500;
    int64_t mailboxes = (int64_t)domain->n_accounts;
    if (is_new)
        domain->lines[domain->n_lines++] = (struct bill_line){
            .kind = LINE_DOMAIN_YEAR, .quantity = 1, .unit = 1500, .discount = 100, .amount = 1400, .to_ms = 9};
    domain->lines[domain->n_lines++] = (struct bill_line){.kind = LINE_MAILBOX_MONTH,
                                                          .quantity = mailboxes,
                                                          .unit = 500,
                                                          .discount = 100,
                                                          .amount = 500 * mailboxes - 100,
                                                          .to_ms = 5};
}

#define LINES                                                                                                          \
    "SELECT l.position || ' ' || l.kind || ' ' || d.name || ' ' || quantity || '*' || unit || '-' || discount ||"      \
    " '=' || amount || ' ' || from_ms || '-' || to_ms FROM bill_lines l JOIN domains d ON d.id = l.domain_id"          \
    " ORDER BY l.bill_id, l.position"
#define ORDER_PRICES                                                                                                   \
    "SELECT amount || ' ' || discount || ' ' || price_version || ' ' || promotion_id || ' ' || payment_driver ||"      \
    " ' ' || card_brand || ' ' || card_last4 FROM orders ORDER BY id"

static void reserving_writes_what_is_charged_for(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domains[] = {make_domain(f, "one.com", 2, ""), make_domain(f, "two.com", 1, "")};
    price_domain(&domains[0], true);
    domains[1].month_price = 2000; /* without lines: nothing is charged for it */
    struct reservation r = make_order(f, ORDER_DFY, domains, 2);
    r.amount = 2300;
    r.discount = 200;
    r.payment_driver = STR("sandbox");
    r.card_brand = STR("visa");
    r.card_last4 = STR("4242");
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    static const char lines[] = "0 domain_year one.com 1*1500-100=1400 0-9|1 mailbox_month one.com 2*500-100=900 0-5";
    assert_string_equal(words_of(f, LINES), lines);
    assert_string_equal(words_of(f, ORDER_PRICES), "2300 200 0  sandbox visa 4242");
    assert_string_equal(words_of(f, "SELECT name || ' ' || year_price || ' ' || month_price FROM domains ORDER BY id"),
                        "one.com 1500 0|two.com 0 2000");
    assert_string_equal(words_of(f, "SELECT email || ' ' || month_price FROM accounts ORDER BY id"),
                        "a@one.com 500|b@one.com 500|a@two.com 0");

    struct bill_line *read = NULL;
    size_t n = 0;
    OK(bill_lines_get(f->db, str_of(r.order_id), f->arena, &read, &n, &f->error));
    assert_int_equal(n, 2);
    assert_int_equal(read[1].kind, LINE_MAILBOX_MONTH);
    assert_true(str_is(read[1].domain_id, domains[0].id));
    assert_int_equal(read[1].quantity, 2);
    assert_int_equal(read[1].unit, 500);
    assert_int_equal(read[1].discount, 100);
    assert_int_equal(read[1].amount, 900);
    assert_int_equal(read[1].to_ms, 5);

    /* Mailboxes added to a domain are charged for under its id. */
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    struct reserve_domain extra = make_domain(f, "one.com", 3, "");
    for (size_t i = 0; i < 3; i++) extra.accounts[i].email = arena_printf(f->arena, "x%zu@one.com", i);
    price_domain(&extra, false);
    struct reservation more = make_order(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    OK(IN_TX(order_reserve(f->db, &more, &f->error)));
    assert_string_equal(words_of(f, LINES),
                        "0 domain_year one.com 1*1500-100=1400 0-9|1 mailbox_month one.com 2*500-100=900 0-5"
                        "|0 mailbox_month one.com 3*500-100=1400 0-5");
    assert_string_equal(words_of(f, "SELECT name || ' ' || year_price FROM domains ORDER BY id"),
                        "one.com 1500|two.com 0");

    /* What is not paid is not charged for. */
    OK(IN_TX(order_release(f->db, str_of(more.order_id), STR(""), STR("x"), STR(""), f->now, &f->error)));
    assert_string_equal(words_of(f, LINES), lines);
}

static void settling_writes_all_steps(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domains[] = {make_domain(f, "one.com", 2, "target.org"), make_domain(f, "two.com", 1, "")};
    struct reservation r = place(f, ORDER_DFY, domains, 2);
    assert_string_equal(words_of(f, DOMAINS), "one.com provisioning 1|two.com provisioning 1");
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com pending 1|b@one.com pending 1|a@two.com pending 1");
    static const char steps[] = "one.com register_domain due|one.com publish_dns blocked"
                                "|one.com set_forwarding blocked|one.com create_mailbox blocked"
                                "|one.com create_mailbox blocked"
                                "|two.com register_domain due|two.com publish_dns blocked"
                                "|two.com create_mailbox blocked";
    assert_string_equal(words_of(f, STEPS), steps);

    int64_t before = db_total_changes(f->db);
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    assert_true(db_total_changes(f->db) == before);
    FAILS(ERR_CONFLICT, IN_TX(order_release(f->db, str_of(r.order_id), STR(""), STR("x"), STR(""), f->now, &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(order_settle(f->db, STR("none"), STR("ch_1"), f->now, &f->error)));
    assert_string_equal(words_of(f, STEPS), steps);
    struct order_row row;
    OK(order_get(f->db, str_of(r.order_id), f->arena, &row, &f->error));
    assert_int_equal(row.state, ORDER_PLACED);
    assert_int_equal(row.amount, 1500);
}

static void releasing_gives_everything_back(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    struct reservation r = reserve(f, ORDER_DFY, &domain, 1);
    for (int i = 0; i < 2; i++)
        OK(IN_TX(order_release(f->db, str_of(r.order_id), STR("generic_decline"), STR("the bank said no"), STR(""),
                               f->now, &f->error)));
    assert_string_equal(words_of(f, DOMAINS), "");
    assert_string_equal(words_of(f, ACCOUNTS), "");
    struct order_row row;
    OK(order_get(f->db, str_of(r.order_id), f->arena, &row, &f->error));
    assert_int_equal(row.state, ORDER_PAYMENT_FAILED);
    assert_true(str_is(row.reason, "generic_decline"));
    FAILS(ERR_CONFLICT, IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(order_release(f->db, STR("none"), STR(""), STR(""), STR(""), f->now, &f->error)));

    struct reserve_domain again = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &again, 1);
    assert_string_equal(words_of(f, DOMAINS), "one.com provisioning 1");
}

static void stock_is_held_sold_and_freed(void **state) {
    struct fixture *f = *state;
    stock_one(f, "warm.com", 2);
    struct reserve_domain domain = make_domain(f, "warm.com", 2, "target.org");
    struct reservation r = reserve(f, ORDER_PRE_WARMED_UP, &domain, 1);
    static const char sold[] = "SELECT COUNT(*) FROM stock WHERE order_id IS NOT NULL";
    assert_int_equal(number_of(f, sold), 1);
    struct reserve_domain twin = make_domain(f, "warm.com", 2, "");
    struct reservation second = make_order(f, ORDER_PRE_WARMED_UP, &twin, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &second, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(inventory_remove(f->db, STR("warm.com"), &f->error)));
    OK(IN_TX(order_release(f->db, str_of(r.order_id), STR("generic_decline"), STR("the bank said no"), STR(""), f->now,
                           &f->error)));
    assert_int_equal(number_of(f, sold), 0);

    place(f, ORDER_PRE_WARMED_UP, &twin, 1);
    assert_int_equal(number_of(f, sold), 1);
    assert_string_equal(words_of(f, DOMAINS), "warm.com provisioning 1");
    assert_string_equal(words_of(f, STEPS), "warm.com create_mailbox due|warm.com create_mailbox due");
    assert_int_equal(number_of(f, "SELECT SUM(is_pre_warmed) FROM accounts"), 2);
}

static void stock_that_changed_is_a_conflict(void **state) {
    struct fixture *f = *state;
    stock_one(f, "warm.com", 2);
    struct reserve_domain domain = make_domain(f, "warm.com", 1, "");
    struct reservation r = make_order(f, ORDER_PRE_WARMED_UP, &domain, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    domain = make_domain(f, "warm.com", 2, "");
    domain.provider = PROVIDER_AIRMAIL;
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    domain = make_domain(f, "cold.com", 2, "");
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    domain = make_domain(f, "warm.com", 2, "");
    r.type = ORDER_DFY; /* not free to register: the operator has it */
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
}

static void stock_without_mailboxes_is_ready_at_once(void **state) {
    struct fixture *f = *state;
    stock_one(f, "bare.com", 0);
    struct reserve_domain domain = make_domain(f, "bare.com", 0, "");
    place(f, ORDER_PRE_WARMED_UP, &domain, 1);
    assert_string_equal(words_of(f, DOMAINS), "bare.com ready 1");
}

/* A domain with mailboxes a@ and b@, and an order for N more, named from x@ on. */
static struct reserve_domain more(struct fixture *f, const char *name, size_t n) {
    struct reserve_domain domain = make_domain(f, name, n, "");
    for (size_t i = 0; i < n; i++) domain.accounts[i].email = arena_printf(f->arena, "%c%zu@%s", 'x', i, name);
    return domain;
}

static void extra_accounts_wait_for_the_domain(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain, 1);
    struct reserve_domain extra = more(f, "one.com", 1);
    place(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    assert_string_equal(words_of(f, STEPS), "one.com register_domain due|one.com publish_dns blocked"
                                            "|one.com create_mailbox blocked|one.com create_mailbox blocked");
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com pending 1|x0@one.com pending 1");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM domains"), 1);
}

static void extra_accounts_start_on_a_ready_domain(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain, 1);
    fixture_run(f, "UPDATE steps SET state = 'done'; UPDATE domains SET state = 'partial'");
    struct reserve_domain extra = more(f, "one.com", 2);
    struct reservation r = reserve(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    assert_string_equal(words_of(f, DOMAINS), "one.com partial 1");
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    assert_string_equal(words_of(f, DOMAINS), "one.com provisioning 1");
    assert_string_equal(words_of(f, "SELECT state FROM steps WHERE kind = 'create_mailbox' ORDER BY state"),
                        "done|due|due");
}

static void extra_accounts_are_limited_and_guarded(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, ""), extra = more(f, "one.com", 1);
    struct reservation held = reserve(f, ORDER_DFY, &domain, 1);
    struct reservation r = make_order(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error))); /* only reserved yet */
    OK(IN_TX(order_settle(f->db, str_of(held.order_id), STR("ch_1"), f->now, &f->error)));

    r.workspace_id = STR(STRANGER);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    r.workspace_id = STR(WORKSPACE);
    extra.provider = PROVIDER_AIRMAIL;
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    extra = more(f, "one.com", 4); /* 2 + 4 > 5 */
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    extra = make_domain(f, "one.com", 1, ""); /* a@ is there */
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    assert_string_equal(f->error.message, "a@one.com was taken meanwhile");
    extra = more(f, "one.com", 3);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    struct reserve_domain sixth = make_domain(f, "one.com", 1, "");
    sixth.accounts[0].email = STR("sixth@one.com");
    struct reservation full = make_order(f, ORDER_EXTRA_ACCOUNTS, &sixth, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &full, &f->error)));
    /* A release leaves the domain and its first mailboxes alone. */
    OK(IN_TX(order_release(f->db, str_of(r.order_id), STR(""), STR("no"), STR(""), f->now, &f->error)));
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com pending 1|b@one.com pending 1");
    OK(IN_TX(order_reserve(f->db, &full, &f->error)));
}

static void no_extra_accounts_on_microsoft(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, ""), extra = more(f, "one.com", 1);
    domain.provider = extra.provider = PROVIDER_MICROSOFT;
    place(f, ORDER_DFY, &domain, 1);
    struct reservation r = make_order(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
}

static void extra_accounts_fail_with_a_lost_domain(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain, 1);
    struct reserve_domain extra = more(f, "one.com", 1);
    struct reservation r = reserve(f, ORDER_EXTRA_ACCOUNTS, &extra, 1);
    struct step *steps;
    size_t n;
    bool stale;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1, 9, f->arena, &steps, &n, &f->error)));
    struct step_end end = step_end_of(f, STEP_FAILED, "refused");
    OK(IN_TX(step_record(f->db, steps, &end, &stale, &f->error)));
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com failed 0|x0@one.com reserved 1");
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com failed 0|x0@one.com failed 0");
    assert_string_equal(words_of(f, DOMAINS), "one.com failed 0");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM steps WHERE state IN ('due', 'blocked')"), 0);
    /* The name and its addresses are free again. */
    struct reserve_domain again = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &again, 1);
    struct reservation second = make_order(f, ORDER_DFY, &again, 1);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &second, &f->error)));
}

/* 64 threads want the same name: one gets it, the others are told. */

struct rush {
    struct store *store;
    struct reservation reservation;
    struct error error;
    _Atomic int *go;
    bool ok;
};

static bool reserve_fn(struct db *db, void *arg, struct error *reterr) {
    return order_reserve(db, arg, reterr);
}

static void *rush_in(void *arg) {
    struct rush *rush = arg;
    while (!atomic_load(rush->go)) sched_yield();
    rush->ok = store_write(rush->store, reserve_fn, &rush->reservation, &rush->error);
    return NULL;
}

static void one_of_many_gets_the_name(void **state) {
    struct fixture *f = *state;
    enum { MANY = 64 };
    struct store *store = fixture_store(f);
    static struct rush rushes[MANY];
    struct reserve_domain domains[MANY];
    pthread_t threads[MANY];
    _Atomic int go = 0;
    for (int i = 0; i < MANY; i++) {
        domains[i] = make_domain(f, "wanted.com", 2, "");
        rushes[i] = (struct rush){.store = store, .go = &go, .reservation = make_order(f, ORDER_DFY, &domains[i], 1)};
        assert_int_equal(pthread_create(&threads[i], NULL, rush_in, &rushes[i]), 0);
    }
    atomic_store(&go, 1);
    int won = 0;
    for (int i = 0; i < MANY; i++) {
        pthread_join(threads[i], NULL);
        won += rushes[i].ok;
        if (!rushes[i].ok) assert_int_equal(rushes[i].error.code, ERR_CONFLICT);
    }
    assert_int_equal(won, 1);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM orders"), 1);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM domains"), 1);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM accounts"), 2);
    store_close(store);
}

static void unsettled_orders_are_taken_once(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domains[3];
    struct reservation orders[3];
    static const char *const names[] = {"one.com", "two.com", "three.com"};
    for (int i = 0; i < 3; i++) {
        domains[i] = make_domain(f, names[i], 1, "");
        orders[i] = make_order(f, ORDER_DFY, &domains[i], 1);
        orders[i].settle_after_ms = f->now + 300 - INT64_C(100) * i; /* the last is due first */
        OK(IN_TX(order_reserve(f->db, &orders[i], &f->error)));
    }
    struct unsettled *taken;
    size_t n;
    OK(IN_TX(order_claim_unsettled(f->db, f->now, false, f->now + 1000, 9, f->arena, &taken, &n, &f->error)));
    assert_int_equal(n, 0);
    OK(IN_TX(order_claim_unsettled(f->db, f->now + 200, false, f->now + 1000, 1, f->arena, &taken, &n, &f->error)));
    assert_int_equal(n, 1);
    assert_true(str_is(taken[0].id, orders[2].order_id));
    assert_int_equal(taken[0].amount, 1500);
    OK(IN_TX(order_claim_unsettled(f->db, f->now + 200, false, f->now + 1000, 9, f->arena, &taken, &n, &f->error)));
    assert_int_equal(n, 1);
    assert_true(str_is(taken[0].id, orders[1].order_id));
    int64_t due;
    OK(step_next_due(f->db, &due, &f->error));
    assert_true(due == f->now + 300);
    OK(IN_TX(order_claim_unsettled(f->db, f->now, true, f->now + 2000, 9, f->arena, &taken, &n, &f->error)));
    assert_int_equal(n, 3);

    OK(IN_TX(order_postpone(f->db, str_of(orders[0].order_id), f->now + 50, STR("silent"), &f->error)));
    struct order_row row;
    OK(order_get(f->db, str_of(orders[0].order_id), f->arena, &row, &f->error));
    assert_int_equal(row.attempts, 1);
    assert_true(str_is(row.reason, "silent"));
    assert_true(row.settle_after_ms == f->now + 50);
    OK(IN_TX(order_claim_unsettled(f->db, f->now + 50, false, f->now + 2000, 9, f->arena, &taken, &n, &f->error)));
    assert_int_equal(n, 1);
    assert_int_equal(taken[0].attempts, 1);
    /* Settled ones are left in peace. */
    OK(IN_TX(order_settle(f->db, str_of(orders[0].order_id), STR("ch_1"), f->now, &f->error)));
    OK(IN_TX(order_postpone(f->db, str_of(orders[0].order_id), 5, STR("late"), &f->error)));
    OK(order_get(f->db, str_of(orders[0].order_id), f->arena, &row, &f->error));
    assert_true(str_is(row.reason, ""));
}

static void people_see_what_is_stuck(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domains[4];
    struct reservation orders[4];
    static const char *const names[] = {"done.com", "open.com", "held.com", "refused.com"};
    for (int i = 0; i < 4; i++) {
        domains[i] = make_domain(f, names[i], 1, "");
        orders[i] = reserve(f, ORDER_DFY, &domains[i], 1);
    }
    OK(IN_TX(order_settle(f->db, str_of(orders[0].order_id), STR("ch_1"), f->now, &f->error)));
    fixture_run(f, "UPDATE steps SET state = 'done'");
    OK(IN_TX(order_settle(f->db, str_of(orders[1].order_id), STR("ch_1"), f->now, &f->error)));
    OK(IN_TX(order_release(f->db, str_of(orders[3].order_id), STR("generic_decline"), STR("the bank said no"), STR(""),
                           f->now, &f->error)));
    struct order_row *rows;
    size_t n;
    OK(order_list(f->db, false, 9, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 4);
    assert_true(str_is(rows[0].id, orders[3].order_id));
    OK(order_list(f->db, true, 9, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 2);
    assert_true(str_is(rows[0].id, orders[2].order_id));
    assert_true(str_is(rows[1].id, orders[1].order_id));
    OK(order_list(f->db, true, 1, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 1);
}

static enum idempotency claim(struct fixture *f, const char *key, char body, struct str *ret_answer) {
    struct idempotency_claim c = {
        .workspace_id = STR(WORKSPACE), .key = str_of(key), .now_ms = f->now, .dead_after_ms = 1000};
    memset(c.body_hash, body, sizeof c.body_hash);
    enum idempotency ret = IDEMPOTENCY_NEW;
    OK(IN_TX(idempotency_claim(f->db, &c, f->arena, &ret, ret_answer, &f->error)));
    return ret;
}

static void orders_end_their_idempotency_key(void **state) {
    struct fixture *f = *state;
    struct str answer;
    static const char *const keys[] = {"paid", "declined", "freed"};
    struct reservation orders[3];
    struct reserve_domain domains[3];
    static const char *const names[] = {"one.com", "two.com", "three.com"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(claim(f, keys[i], 'x', &answer), IDEMPOTENCY_NEW);
        domains[i] = make_domain(f, names[i], 1, "");
        orders[i] = make_order(f, ORDER_DFY, &domains[i], 1);
        orders[i].idempotency_key = str_of(keys[i]);
        orders[i].answer = STR("{\"placed\":true}");
        OK(IN_TX(order_reserve(f->db, &orders[i], &f->error)));
    }
    assert_int_equal(claim(f, "orphan", 'x', &answer), IDEMPOTENCY_NEW);
    OK(IN_TX(idempotency_free_orphans(f->db, &f->error)));
    assert_int_equal(claim(f, "orphan", 'x', &answer), IDEMPOTENCY_NEW);
    assert_int_equal(claim(f, "paid", 'x', &answer), IDEMPOTENCY_RUNNING);
    assert_int_equal(claim(f, "paid", 'y', &answer), IDEMPOTENCY_OTHER_BODY);
    /* However long it takes: the order ends its key. */
    f->now += 5000;
    assert_int_equal(claim(f, "paid", 'x', &answer), IDEMPOTENCY_RUNNING);
    assert_int_equal(claim(f, "orphan", 'x', &answer), IDEMPOTENCY_NEW);

    OK(IN_TX(order_settle(f->db, str_of(orders[0].order_id), STR("ch_1"), f->now, &f->error)));
    OK(IN_TX(
        order_release(f->db, str_of(orders[1].order_id), STR(""), STR("no"), STR("{\"no\":1}"), f->now, &f->error)));
    OK(IN_TX(order_release(f->db, str_of(orders[2].order_id), STR(""), STR("no"), STR(""), f->now, &f->error)));
    assert_int_equal(claim(f, "paid", 'x', &answer), IDEMPOTENCY_DONE);
    assert_true(str_is(answer, "{\"placed\":true}"));
    assert_int_equal(claim(f, "paid", 'y', &answer), IDEMPOTENCY_OTHER_BODY);
    assert_int_equal(claim(f, "declined", 'x', &answer), IDEMPOTENCY_DONE);
    assert_true(str_is(answer, "{\"no\":1}"));
    assert_int_equal(claim(f, "freed", 'y', &answer), IDEMPOTENCY_NEW);
    assert_int_equal(number_of(f, "SELECT SUM(length(answer)) FROM orders"), 0);
}

/* Facts, as the check asks for them. A check as after its first pass. */
static struct domain_facts *gather(struct fixture *f, enum order_type type, const char *const *names, size_t n) {
    struct order_item *asked = ARENA_ARRAY(f->arena, n, struct order_item);
    struct check *check = ARENA_NEW(f->arena, struct check);
    *check = (struct check){.type = type, .items = ARENA_ARRAY(f->arena, n, struct checked_item), .n_items = n};
    struct domain_facts *facts = ARENA_ARRAY(f->arena, n, struct domain_facts);
    for (size_t i = 0; i < n; i++) {
        asked[i] = (struct order_item){.domain = str_of(names[i])};
        check->items[i] = (struct checked_item){.asked = &asked[i], .name = asked[i].domain};
    }
    OK(facts_gather(f->db, check, STR(WORKSPACE), f->arena, facts, &f->error));
    return facts;
}

static void facts_tell_what_is_sold(void **state) {
    struct fixture *f = *state;
    struct reserve_domain held = make_domain(f, "held.com", 1, ""), placed = make_domain(f, "placed.com", 1, "");
    reserve(f, ORDER_DFY, &held, 1);
    place(f, ORDER_DFY, &placed, 1);
    stock_one(f, "warm.com", 1);
    static const char *const names[] = {"warm.com", "placed.com", "free.com", "held.com", "aaa.com"};
    struct domain_facts *facts = gather(f, ORDER_DFY, names, ARRAY_LEN(names));
    static const bool sold[] = {true, true, false, true, false};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) assert_int_equal(facts[i].sold, sold[i]);
    fixture_run(f, "UPDATE domains SET active = 0, state = 'cancelled'");
    facts = gather(f, ORDER_DFY, names, ARRAY_LEN(names));
    assert_false(facts[1].sold);
}

static void facts_tell_what_is_stocked(void **state) {
    struct fixture *f = *state;
    stock_one(f, "warm.com", 2);
    stock_one(f, "sold.com", 2);
    stock_one(f, "bare.com", 0);
    struct reserve_domain domain = make_domain(f, "sold.com", 2, "");
    place(f, ORDER_PRE_WARMED_UP, &domain, 1);
    static const char *const names[] = {"warm.com", "sold.com", "none.com", "bare.com"};
    struct domain_facts *facts = gather(f, ORDER_PRE_WARMED_UP, names, ARRAY_LEN(names));
    assert_true(facts[0].stocked);
    assert_int_equal(facts[0].provider, PROVIDER_GOOGLE);
    assert_int_equal(facts[0].n_stock, 2);
    assert_true(str_is(facts[0].stock[0].prefix, "a"));
    assert_true(str_is(facts[0].stock[1].prefix, "b"));
    assert_true(str_is(facts[0].stock[1].last_name, "Byron"));
    assert_false(facts[1].stocked);
    assert_false(facts[2].stocked);
    assert_true(facts[3].stocked);
    assert_int_equal(facts[3].n_stock, 0);
}

static void facts_tell_what_is_mine(void **state) {
    struct fixture *f = *state;
    struct reserve_domain mine = make_domain(f, "mine.com", 3, ""), held = make_domain(f, "held.com", 1, ""),
                          theirs = make_domain(f, "theirs.com", 1, ""), lost = make_domain(f, "lost.com", 1, "");
    mine.provider = PROVIDER_AIRMAIL;
    place(f, ORDER_DFY, &mine, 1);
    place(f, ORDER_DFY, &lost, 1);
    fixture_run(f, "UPDATE domains SET state = 'failed' WHERE name = 'lost.com';"
                   "UPDATE accounts SET active = 0 WHERE email = 'b@mine.com'");
    reserve(f, ORDER_DFY, &held, 1);
    struct reservation r = make_order(f, ORDER_DFY, &theirs, 1);
    r.workspace_id = STR(STRANGER);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));

    static const char *const names[] = {"theirs.com", "mine.com", "held.com", "lost.com", "mine.com", "none.com"};
    struct domain_facts *facts = gather(f, ORDER_EXTRA_ACCOUNTS, names, ARRAY_LEN(names));
    static const bool is_mine[] = {false, true, false, false, true, false};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) assert_int_equal(facts[i].mine, is_mine[i]);
    for (size_t i = 1; i <= 4; i += 3) {
        assert_int_equal(facts[i].provider, PROVIDER_AIRMAIL);
        assert_int_equal(facts[i].n_addresses, 2);
        assert_true(str_is(facts[i].addresses[0], "a@mine.com") != str_is(facts[i].addresses[0], "c@mine.com"));
    }
    assert_int_equal(facts[0].n_addresses, 0);
    assert_true(facts[0].sold);
    assert_false(facts[5].sold);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(reserving_holds_the_names),
        CASE(reserving_writes_what_is_charged_for),
        CASE(settling_writes_all_steps),
        CASE(releasing_gives_everything_back),
        CASE(stock_is_held_sold_and_freed),
        CASE(stock_that_changed_is_a_conflict),
        CASE(stock_without_mailboxes_is_ready_at_once),
        CASE(extra_accounts_wait_for_the_domain),
        CASE(extra_accounts_start_on_a_ready_domain),
        CASE(extra_accounts_are_limited_and_guarded),
        CASE(no_extra_accounts_on_microsoft),
        CASE(extra_accounts_fail_with_a_lost_domain),
        CASE(one_of_many_gets_the_name),
        CASE(unsettled_orders_are_taken_once),
        CASE(people_see_what_is_stuck),
        CASE(orders_end_their_idempotency_key),
        CASE(facts_tell_what_is_sold),
        CASE(facts_tell_what_is_stocked),
        CASE(facts_tell_what_is_mine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
