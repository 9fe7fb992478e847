/*
 * beside: what runs beside what on PostgreSQL (docs/postgresql.md), statement by statement. A transaction of the node
 * "held" stops at a statement that the test names; the node "free" does something meanwhile, and either passes by or
 * waits; then the gate opens. So each test shows one order of events, and always that one. Runs beside
 * with_postgres.py.
 */
#include <pthread.h>
#include <time.h>

#include "store/cancel.h"
#include "store/care.h"
#include "store/credit.h"
#include "store/deliveries.h"
#include "store/events.h"
#include "store/forwarding.h"
#include "store/idempotency.h"
#include "store/mend.h"
#include "store/promotions.h"
#include "store/refunds.h"
#include "store/renewals.h"
#include "store/swap.h"
#include "store/zone_parts.h"
#include "store_fixture.h"

enum { LIMIT_MS = 30000, URL_TEXT = 300 };

#define HOOK "01900000-0000-7000-8000-00000000000a"

/* The same in PostgreSQL. */
#undef IN_TX
#define IN_TX(call) fixture_end(f, db_exec(f->db, "BEGIN", &f->error) && (call))

struct nodes {
    struct fixture *f;
    struct store *held, *free;
};

enum scope { ALONE, MINE, THEIRS, CLAIM };

/* Something that a node does, in a thread of its own. */
struct act {
    const struct nodes *nodes;
    struct store *store;
    enum scope scope;
    bool (*fn)(struct db *db, struct act *act, struct error *reterr);
    /* What it is about, and what came of it; each uses some. */
    const void *in;
    size_t n, max;
    bool yes;
    int result;
    struct step *steps;
    struct delivery_batch batch;
    struct arena *arena;
    struct ids ids;
    struct rng rng;
    pthread_t thread;
    bool ok;
    struct error error;
};

static bool run_act(struct db *db, void *arg, struct error *reterr) {
    struct act *act = arg;
    return act->fn(db, act, reterr);
}

static void *act_run(void *arg) {
    struct act *act = arg;
    switch (act->scope) {
    case ALONE:
        act->ok = store_write(act->store, run_act, act, &act->error);
        break;
    case MINE:
        act->ok = store_write_of(act->store, STR(WORKSPACE), run_act, act, &act->error);
        break;
    case THEIRS:
        act->ok = store_write_of(act->store, STR(STRANGER), run_act, act, &act->error);
        break;
    case CLAIM:
        act->ok = store_claim(act->store, run_act, act, &act->error);
        break;
    }
    return NULL;
}

static void act_begin(struct act *act) {
    static uint64_t seed;
    struct fixture *f = act->nodes->f;
    act->arena = arena_create(4096);
    act->rng = rng_seeded(1000 + ++seed);
    ids_init(&act->ids, &f->clock, &act->rng);
    assert_int_equal(pthread_create(&act->thread, NULL, act_run, act), 0);
}

static void act_end(struct act *act) {
    pthread_join(act->thread, NULL);
}

static void act_drop(struct act *act) {
    arena_destroy(act->arena);
}

/* ---- the gate ---- */

static void wait_until(struct fixture *f, const char *sql, const char *what) {
    for (int ms = 0; number_of(f, sql) == 0; ms++) {
        if (ms == LIMIT_MS) fail_msg("%s: not within %d s", what, LIMIT_MS / 1000);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* WHEN: "BEFORE UPDATE ON steps FOR EACH ROW", say. From there on the held node waits for the gate. */
static void gate(struct fixture *f, const char *when) {
    char sql[200];
    fixture_run(f, "SELECT pg_advisory_lock(7701, 1)");
    snprintf(sql, sizeof sql, "CREATE TRIGGER gate %s EXECUTE FUNCTION wait_at_gate()", when);
    fixture_run(f, sql);
}

/* ACT runs on the held node until it stands at the gate. */
static void hold(struct act *act) {
    act->store = act->nodes->held;
    act_begin(act);
    wait_until(act->nodes->f,
               "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7701 AND NOT granted",
               "the gate is reached");
}

/* ACT runs on the free node, and is not held up by anything. */
static void pass(struct act *act) {
    struct fixture *f = act->nodes->f;
    act->store = act->nodes->free;
    act_begin(act);
    act_end(act);
    f->error = act->error;
    if (act->error.code == ERR_UNAVAILABLE) fixture_fail("it waits", act->error.message);
}

/* ACT runs on the free node until it waits for the held one. */
static void stop(struct act *act) {
    act->store = act->nodes->free;
    act_begin(act);
    wait_until(act->nodes->f,
               "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'free' AND wait_event_type = 'Lock'",
               "it waits");
}

static void open_gate(struct fixture *f) {
    fixture_run(f, "SELECT pg_advisory_unlock(7701, 1)");
}

/* The held one goes on, and then whoever waits for it. WAITING may be NULL. */
static void go_on(struct act *held, struct act *waiting) {
    struct fixture *f = held->nodes->f;
    open_gate(f);
    act_end(held);
    if (waiting) act_end(waiting);
    if (!held->ok) fixture_fail("the held one", held->error.message);
}

static void succeeded(const struct act *act) {
    if (!act->ok) fixture_fail("the free one", act->error.message);
}

static void failed(const struct act *act, enum err_code code) {
    assert_false(act->ok);
    if (act->error.code != code) fixture_fail("another error", act->error.message);
}

/* ---- a database for each test ---- */

/* A URL of DATABASE for NAME. */
static void url_of(const char *database, const char *name, char ret[URL_TEXT]) {
    const char *url = getenv("DFYD_TEST_POSTGRES"), *at = url ? strstr(url, "@?") : NULL;
    assert_non_null(at);
    snprintf(ret, URL_TEXT, "%.*s%s%s&application_name=%s", (int)(at - url), url, database, at + 1, name);
}

static void make_database(struct fixture *f, const char *database, const char *template) {
    char url[URL_TEXT], sql[100];
    struct db *db;
    url_of("postgres", "test", url);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s", database, template);
    OK(db_open_postgres(url, LIMIT_MS, &db, &f->error));
    OK(db_exec(db, sql, &f->error));
    db_close(db);
}

static void open_database(struct fixture *f, const char *database) {
    char url[URL_TEXT];
    url_of(database, "test", url);
    OK(db_open_postgres(url, LIMIT_MS, &f->db, &f->error));
}

/* What all begin with. */
static void make_first(struct fixture *f) {
    make_database(f, "first", "template0");
    open_database(f, "first");
    OK(migrate_run(f->db, &f->error));
    fixture_add_workspace(f, WORKSPACE, "mine");
    fixture_add_workspace(f, STRANGER, "theirs");
    fixture_run(f, "CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                   " IF current_setting('application_name') = 'held' THEN"
                   " PERFORM pg_advisory_lock_shared(7701, 1); PERFORM pg_advisory_unlock_shared(7701, 1); END IF;"
                   " RETURN NULL; END $$");
    db_close(f->db);
}

static struct store *open_node(struct fixture *f, const char *database, const char *name) {
    char url[URL_TEXT];
    url_of(database, name, url);
    const struct store_config config = {.url = url, .connections = 2, .wait_ms = LIMIT_MS / 2};
    struct store *store = NULL;
    OK(store_open(&config, &store, &f->error));
    return store;
}

static int set_up(void **state) {
    static int number;
    struct nodes *nodes = calloc(1, sizeof *nodes);
    struct fixture *f = calloc(1, sizeof *f);
    assert_true(nodes && f);
    f->now = 1000000;
    f->clock = clock_manual(f->now);
    f->rng = rng_seeded(7);
    ids_init(&f->ids, &f->clock, &f->rng);
    f->arena = arena_create(4096);
    if (number++ == 0) make_first(f);
    char database[24];
    snprintf(database, sizeof database, "beside%d", number);
    make_database(f, database, "first");
    open_database(f, database);
    *nodes = (struct nodes){f, open_node(f, database, "held"), open_node(f, database, "free")};
    *state = nodes;
    return 0;
}

static int tear_down(void **state) {
    struct nodes *nodes = *state;
    store_close(nodes->held);
    store_close(nodes->free);
    db_close(nodes->f->db);
    arena_destroy(nodes->f->arena);
    free(nodes->f);
    free(nodes);
    return 0;
}

/* ---- orders ---- */

static struct reservation *order_of(struct fixture *f, const char *workspace, const char *const *names, size_t n) {
    struct reserve_domain *domains = ARENA_ARRAY(f->arena, n, struct reserve_domain);
    for (size_t i = 0; i < n; i++) domains[i] = make_domain(f, names[i], 1, "");
    struct reservation *r = ARENA_NEW(f->arena, struct reservation);
    *r = make_order(f, ORDER_DFY, domains, n);
    r->workspace_id = str_of(workspace);
    r->price_version = 0;
    return r;
}

static struct reservation *order_one(struct fixture *f, const char *workspace, const char *name) {
    return order_of(f, workspace, &name, 1);
}

static bool reserve(struct db *db, struct act *act, struct error *reterr) {
    return order_reserve(db, act->in, reterr);
}

static bool settle(struct db *db, struct act *act, struct error *reterr) {
    const struct reservation *r = act->in;
    return order_settle(db, str_of(r->order_id), STR("ch"), r->now_ms, reterr);
}

static void place(struct fixture *f, const struct reservation *r) {
    OK(IN_TX(order_reserve(f->db, r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r->order_id), STR("ch"), f->now, &f->error)));
}

/* Of a scope: the function, and what else it wants. */
#define ACT(scope_, ...)                                                                                               \
    { .nodes = nodes, .scope = (scope_), .fn = __VA_ARGS__ }

static void a_name_is_sold_once(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    gate(f, "AFTER INSERT ON domains");
    struct act first = ACT(MINE, reserve, .in = order_one(f, WORKSPACE, "one.com"));
    struct act second = ACT(THEIRS, reserve, .in = order_one(f, STRANGER, "one.com"));
    struct act other = ACT(THEIRS, reserve, .in = order_one(f, STRANGER, "two.com"));
    hold(&first);
    pass(&other);
    succeeded(&other);
    stop(&second);
    go_on(&first, &second);
    failed(&second, ERR_CONFLICT);
    assert_non_null(strstr(second.error.message, "one.com was taken meanwhile"));
    assert_string_equal(words_of(f, "SELECT workspace_id || ' ' || name FROM domains ORDER BY name"),
                        WORKSPACE " one.com|" STRANGER " two.com");
    act_drop(&first), act_drop(&second), act_drop(&other);
}

/* Each would hold what the other waits for, if they took the names as they come. */
static void orders_of_the_same_names_do_not_deadlock(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    static const char *const there[] = {"one.com", "two.com"}, *const back[] = {"two.com", "one.com"};
    gate(f, "AFTER INSERT ON domains");
    struct act first = ACT(MINE, reserve, .in = order_of(f, WORKSPACE, there, 2));
    struct act second = ACT(THEIRS, reserve, .in = order_of(f, STRANGER, back, 2));
    hold(&first);
    stop(&second);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"), 1);
    go_on(&first, &second);
    failed(&second, ERR_CONFLICT);
    assert_int_equal(number_of(f, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), 0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM domains WHERE workspace_id = '" WORKSPACE "'"), 2);
    act_drop(&first), act_drop(&second);
}

static void stock_is_sold_once(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    fixture_run(f, "INSERT INTO stock (domain, provider, created_ms) VALUES ('warm.com', 1, 1)");
    fixture_run(f, "INSERT INTO stock_accounts (domain, prefix, position, first_name, last_name)"
                   " VALUES ('warm.com', 'a', 0, 'A', 'B')");
    struct reservation *mine = order_one(f, WORKSPACE, "warm.com"), *theirs = order_one(f, STRANGER, "warm.com");
    mine->type = theirs->type = ORDER_PRE_WARMED_UP;
    gate(f, "AFTER UPDATE ON stock");
    struct act first = ACT(MINE, reserve, .in = mine), second = ACT(THEIRS, reserve, .in = theirs);
    hold(&first);
    stop(&second);
    go_on(&first, &second);
    failed(&second, ERR_CONFLICT);
    assert_non_null(strstr(second.error.message, "no longer in stock"));
    act_drop(&first), act_drop(&second);
}

static void a_promotion_keeps_its_limit(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    const struct promotion_row row = {.id = STR("01900000-0000-7000-8000-0000000000aa"),
                                      .name = STR("once"),
                                      .kind = PROMOTION_FIRST_MONTH,
                                      .starts_ms = f->now,
                                      .ends_ms = INT64_MAX,
                                      .max_orders = 1,
                                      .created_ms = f->now,
                                      .workspace_id = STR("")};
    OK(IN_TX(promotion_add(f->db, &row, &f->error)));
    struct reservation *mine = order_one(f, WORKSPACE, "one.com"), *theirs = order_one(f, STRANGER, "two.com");
    mine->promotion_id = theirs->promotion_id = row.id;
    gate(f, "AFTER UPDATE ON promotions");
    struct act first = ACT(MINE, reserve, .in = mine), second = ACT(THEIRS, reserve, .in = theirs);
    hold(&first);
    stop(&second);
    go_on(&first, &second);
    failed(&second, ERR_CONFLICT);
    assert_non_null(strstr(second.error.message, "used up"));
    assert_int_equal(number_of(f, "SELECT used_orders FROM promotions"), 1);
    act_drop(&first), act_drop(&second);
}

static bool settle_in_vain(struct db *db, struct act *act, struct error *reterr) {
    return settle(db, act, reterr) && error_set(reterr, ERR_CONFLICT, "in vain");
}

/* Also when the one that had a number first is taken back. */
static void invoices_have_no_gap(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    struct reservation *mine = order_one(f, WORKSPACE, "one.com"), *theirs = order_one(f, STRANGER, "two.com");
    OK(IN_TX(order_reserve(f->db, mine, &f->error)));
    OK(IN_TX(order_reserve(f->db, theirs, &f->error)));
    gate(f, "AFTER INSERT ON invoices");
    struct act first = ACT(MINE, settle_in_vain, .in = mine), second = ACT(THEIRS, settle, .in = theirs);
    struct act again = ACT(MINE, settle, .in = mine);
    hold(&first);
    stop(&second);
    open_gate(f);
    act_end(&first);
    act_end(&second);
    failed(&first, ERR_CONFLICT);
    succeeded(&second);
    pass(&again);
    succeeded(&again);
    assert_string_equal(words_of(f, "SELECT number || ' ' || workspace_id FROM invoices ORDER BY number"),
                        "1 " STRANGER "|2 " WORKSPACE);
    act_drop(&first), act_drop(&second), act_drop(&again);
}

/* ---- scopes ---- */

static bool touch_mine(struct db *db, struct act *act, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE workspaces SET updated_ms = updated_ms + 1 WHERE id = $1");
    stmt_text(stmt, 1, str_of(act->in));
    return stmt_run(stmt, NULL, reterr);
}

static bool look(struct db *db, struct act *act, struct error *reterr) {
    (void)act;
    return stmt_run(db_stmt(db, "SELECT 1 FROM workspaces"), NULL, reterr);
}

static void changes_of_a_workspace_follow_each_other(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    gate(f, "AFTER UPDATE ON workspaces");
    struct act first = ACT(MINE, touch_mine, .in = WORKSPACE), same = ACT(MINE, look), other = ACT(THEIRS, look);
    struct act claims = ACT(CLAIM, look), operator_waits = ACT(ALONE, look);
    hold(&first);
    pass(&other);
    pass(&claims);
    stop(&same);
    go_on(&first, &same);
    act_drop(&first), act_drop(&same), act_drop(&other), act_drop(&claims);

    fixture_run(f, "DROP TRIGGER gate ON workspaces");
    gate(f, "AFTER UPDATE ON workspaces");
    struct act again = ACT(MINE, touch_mine, .in = WORKSPACE);
    hold(&again);
    stop(&operator_waits);
    go_on(&again, &operator_waits);
    succeeded(&operator_waits);
    act_drop(&again), act_drop(&operator_waits);
}

static void the_operator_is_alone(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    const enum scope others[] = {MINE, CLAIM, ALONE};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        gate(f, "AFTER UPDATE ON workspaces");
        struct act operator= ACT(ALONE, touch_mine, .in = WORKSPACE), other = ACT(others[i], look);
        hold(&operator);
        stop(&other);
        go_on(&operator, & other);
        succeeded(&other);
        act_drop(&operator), act_drop(&other);
        fixture_run(f, "DROP TRIGGER gate ON workspaces");
    }
}

/* Without the scope both would see room for one more. */
static bool charge(struct db *db, struct act *act, struct error *reterr) {
    const struct credit_charge job = {str_of(act->in), STR(WORKSPACE), 600, 1};
    enum credit_state state = CREDIT_IS_OTHER;
    bool ok = credit_charge(db, &job, &state, reterr);
    act->result = (int)state;
    return ok;
}

static void credit_is_given_once(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    OK(IN_TX(credit_set_limit(f->db, STR(WORKSPACE), 1000, &f->error)));
    gate(f, "AFTER INSERT ON credit_charges");
    struct act first = ACT(MINE, charge, .in = "a"), second = ACT(MINE, charge, .in = "b");
    hold(&first);
    stop(&second);
    go_on(&first, &second);
    succeeded(&second);
    assert_int_equal(first.result, CREDIT_IS_CHARGED);
    assert_int_equal(second.result, CREDIT_IS_OVER_LIMIT);
    act_drop(&first), act_drop(&second);
}

/* ---- claims ---- */

static bool claim_steps(struct db *db, struct act *act, struct error *reterr) {
    struct fixture *f = act->nodes->f;
    return step_claim(db, f->now, f->now + 1000, act->max, act->arena, &act->steps, &act->n, reterr);
}

static bool claim_orders(struct db *db, struct act *act, struct error *reterr) {
    struct fixture *f = act->nodes->f;
    struct unsettled *orders;
    return order_claim_unsettled(db, f->now, false, f->now + 1000, act->max, act->arena, &orders, &act->n, reterr);
}

static bool claim_refunds(struct db *db, struct act *act, struct error *reterr) {
    struct fixture *f = act->nodes->f;
    struct refund *refunds;
    return refund_claim(db, f->now, f->now + 1000, act->max, act->arena, &refunds, &act->n, reterr);
}

static bool claim_renewals(struct db *db, struct act *act, struct error *reterr) {
    struct fixture *f = act->nodes->f;
    struct renewal_try *tries;
    return renewal_claim(db, f->now, f->now + 1000, act->max, act->arena, &tries, &act->n, reterr);
}

static bool claim_care(struct db *db, struct act *act, struct error *reterr) {
    struct fixture *f = act->nodes->f;
    const struct care_times times = {.now_ms = f->now, .check_ms = 1, .dkim_ms = 0};
    struct care *all;
    return care_claim(db, &times, f->now + 1000, act->max, act->arena, &all, &act->n, reterr);
}

static bool claim_webhook(struct db *db, struct act *act, struct error *reterr) {
    struct fixture *f = act->nodes->f;
    const struct delivery_claim claim = {.now_ms = f->now, .lease_until_ms = f->now + 1000, .max = 9};
    if (!delivery_claim(db, &claim, act->arena, &act->batch, reterr)) return false;
    act->n = act->batch.webhook.id.n > 0;
    return true;
}

/* Two of each kind that are due. */
static void make_due(struct fixture *f) {
    place(f, order_one(f, WORKSPACE, "one.com"));
    place(f, order_one(f, STRANGER, "two.com"));
    struct reservation *late[] = {order_one(f, WORKSPACE, "three.com"), order_one(f, STRANGER, "four.com")};
    for (size_t i = 0; i < ARRAY_LEN(late); i++) {
        late[i]->settle_after_ms = f->now;
        OK(IN_TX(order_reserve(f->db, late[i], &f->error)));
    }
    fixture_run(f, "INSERT INTO refunds (id, workspace_id, bill_kind, bill_id, payment_id, payment_driver, domain_id,"
                   " account_id, amount, state, why, attempts, due_ms, reason, created_ms, ended_ms, retries)"
                   " SELECT id, workspace_id, 'order', id, id, 'sandbox', '', '', 1, 'due', '', 0, 1, '', 1, 0, 0"
                   " FROM orders WHERE state = 'placed'");
    fixture_run(f, "INSERT INTO renewals (id, workspace_id, day_ms, part, state, amount, failures, stage, next_ms,"
                   " attempts, due_ms, payment_id, payment_ms, unanswered, payment_driver, card_token, card_brand,"
                   " card_last4, reason, created_ms) SELECT id, workspace_id, 1, 0, 'due', 1, 0, 0, 1, 0, 1, '', 0, 0,"
                   " '', '', '', '', '', 1 FROM orders WHERE state = 'placed'");
    fixture_run(f, "INSERT INTO domain_care (domain_id, due_ms, attempts, is_leased, dkim_rotation, dkim_phase,"
                   " dkim_since_ms, dkim_again_ms, dkim_tries, dkim_reason, checked_ms, check_again_ms, check_tries,"
                   " unclear_since_ms, unclear_reason) SELECT id, 1, 0, 0, 0, 'sole', 1, 0, 0, '', 1, 0, 0, 0, ''"
                   " FROM domains WHERE state <> 'reserved'");
    fixture_run(f, "INSERT INTO webhooks (id, workspace_id, target, created_ms, after_seq, status, error_ms, reason,"
                   " failures, due_ms, not_before_ms, lease, is_leased) SELECT id, id, 'https://x/', 1, 0, 1, 0, '', 0,"
                   " 1, 0, 0, 0 FROM workspaces WHERE id IN ('" WORKSPACE "', '" STRANGER "')");
}

/* Each gets one of the two, at once, and a third gets none. */
static void claims_pass_each_other_by(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    static const struct {
        bool (*fn)(struct db *db, struct act *act, struct error *reterr);
        const char *table, *leases; /* how many leases were given; the largest number of one */
    } kinds[] = {
        {claim_steps, "steps", "SELECT 10 * SUM(attempts) + MAX(attempts) FROM steps"},
        {claim_orders, "orders", "SELECT 10 * COUNT(*) + 1 FROM orders WHERE settle_after_ms = 1001000"},
        {claim_refunds, "refunds", "SELECT 10 * SUM(attempts) + MAX(attempts) FROM refunds"},
        {claim_renewals, "renewals", "SELECT 10 * SUM(attempts) + MAX(attempts) FROM renewals"},
        {claim_care, "domain_care", "SELECT 10 * SUM(attempts) + MAX(attempts) FROM domain_care"},
        {claim_webhook, "webhooks", "SELECT 10 * SUM(lease) + MAX(lease) FROM webhooks"},
    };
    make_due(f);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char when[60], drop[60];
        snprintf(when, sizeof when, "AFTER UPDATE ON %s FOR EACH ROW", kinds[i].table);
        snprintf(drop, sizeof drop, "DROP TRIGGER gate ON %s", kinds[i].table);
        gate(f, when);
        struct act first = ACT(CLAIM, kinds[i].fn, .max = 1), second = ACT(CLAIM, kinds[i].fn, .max = 1);
        struct act third = ACT(CLAIM, kinds[i].fn, .max = 9);
        hold(&first);
        pass(&second);
        pass(&third);
        go_on(&first, NULL);
        if (first.n != 1 || second.n != 1 || third.n != 0)
            fail_msg("%s: %zu, %zu and %zu", kinds[i].table, first.n, second.n, third.n);
        assert_int_equal(number_of(f, kinds[i].leases), 21);
        act_drop(&first), act_drop(&second), act_drop(&third);
        fixture_run(f, drop);
    }
}

static bool renew_further(struct db *db, struct act *act, struct error *reterr) {
    (void)act;
    return stmt_run(db_stmt(db, "UPDATE domains SET paid_years = 3"), NULL, reterr) &&
           stmt_run(db_stmt(db, "UPDATE steps SET state = 'due', due_ms = 2 WHERE kind = 'register_domain'"), NULL,
                    reterr);
}

/* It works towards what it read, or is due again. */
static void what_changes_while_a_step_is_claimed_is_worked_on_later(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    place(f, order_one(f, WORKSPACE, "one.com"));
    /* The step is read, and not leased yet. */
    gate(f, "BEFORE UPDATE ON steps");
    struct act claim = ACT(CLAIM, claim_steps, .max = 9), change = ACT(MINE, renew_further);
    hold(&claim);
    stop(&change);
    go_on(&claim, &change);
    succeeded(&change);
    assert_int_equal(claim.n, 1);
    assert_int_equal(claim.steps[0].paid_years, 1);
    assert_string_equal(words_of(f, "SELECT state FROM steps WHERE kind = 'register_domain'"), "due");
    act_drop(&claim), act_drop(&change);
}

static void what_changed_before_a_claim_is_read_by_it(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    place(f, order_one(f, WORKSPACE, "one.com"));
    gate(f, "AFTER UPDATE ON steps");
    struct act change = ACT(MINE, renew_further), none = ACT(CLAIM, claim_steps, .max = 9);
    struct act claim = ACT(CLAIM, claim_steps, .max = 9);
    hold(&change);
    pass(&none); /* it is being changed: passed by */
    go_on(&change, NULL);
    pass(&claim);
    succeeded(&claim);
    assert_int_equal(none.n, 0);
    assert_int_equal(claim.n, 1);
    assert_int_equal(claim.steps[0].paid_years, 3);
    act_drop(&claim), act_drop(&change), act_drop(&none);
}

static void an_order_is_settled_beside_who_takes_it_over(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    struct reservation *r = order_one(f, WORKSPACE, "one.com");
    r->settle_after_ms = f->now;
    OK(IN_TX(order_reserve(f->db, r, &f->error)));
    gate(f, "AFTER UPDATE ON orders");
    struct act claim = ACT(CLAIM, claim_orders, .max = 9), first = ACT(MINE, settle, .in = r);
    struct act second = ACT(MINE, settle, .in = r);
    hold(&claim);
    stop(&first);
    go_on(&claim, &first);
    succeeded(&first);
    assert_int_equal(claim.n, 1);
    pass(&second); /* whoever took it over comes to the same */
    succeeded(&second);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM invoices"), 1);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM payments"), 1);
    act_drop(&claim), act_drop(&first), act_drop(&second);
}

/* ---- changes of a workspace that read leases ---- */

/* one.com, whose mailboxes are due. */
static void make_mailbox_due(struct fixture *f) {
    place(f, order_one(f, WORKSPACE, "one.com"));
    for (int i = 0; i < 2; i++) {
        struct step *steps;
        size_t n;
        bool stale;
        OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 9, f->arena, &steps, &n, &f->error)));
        struct step_end end = step_end_of(f, STEP_DONE, "");
        for (size_t j = 0; j < n; j++) OK(IN_TX(step_record(f->db, &steps[j], &end, &stale, &f->error)));
    }
    assert_string_equal(words_of(f, "SELECT state FROM steps WHERE kind = 'create_mailbox'"), "due");
}

static bool cancel(struct db *db, struct act *act, struct error *reterr) {
    const struct str email = STR("a@one.com");
    char id[UUID_TEXT];
    ids_uuid(&act->ids, id);
    const struct cancellation job = {.workspace_id = STR(WORKSPACE),
                                     .emails = &email,
                                     .n = 1,
                                     .audit_id = str_of(id),
                                     .actor = {STR(""), STR(""), STR("")},
                                     .now_ms = act->nodes->f->now};
    struct account_row *rows;
    return cancel_accounts(db, &job, act->arena, &rows, &act->n, reterr);
}

#define REMOVAL "SELECT due_ms FROM steps WHERE kind = 'remove_mailbox'"

static void nobody_begins_a_mailbox_that_is_being_cancelled(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    make_mailbox_due(f);
    gate(f, "BEFORE UPDATE ON steps"); /* it knows by then when nobody can be at it */
    struct act cancelling = ACT(MINE, cancel), claim = ACT(CLAIM, claim_steps, .max = 9);
    hold(&cancelling);
    pass(&claim);
    go_on(&cancelling, NULL);
    assert_int_equal(claim.n, 0);
    assert_int_equal(number_of(f, REMOVAL), f->now);
    act_drop(&cancelling), act_drop(&claim);
}

static void a_mailbox_is_removed_when_its_maker_cannot_be_at_it(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    make_mailbox_due(f);
    gate(f, "AFTER UPDATE ON steps");
    struct act claim = ACT(CLAIM, claim_steps, .max = 9), cancelling = ACT(MINE, cancel);
    hold(&claim);
    stop(&cancelling);
    go_on(&claim, &cancelling);
    succeeded(&cancelling);
    assert_int_equal(claim.n, 1);
    assert_int_equal(number_of(f, REMOVAL), f->now + 1000);
    act_drop(&cancelling), act_drop(&claim);
}

static bool forward(struct db *db, struct act *act, struct error *reterr) {
    char id[UUID_TEXT];
    ids_uuid(&act->ids, id);
    struct fixture *f = act->nodes->f;
    const struct forwarding_change change = {.audit_id = str_of(id),
                                             .workspace_id = STR(WORKSPACE),
                                             .to = {STR("one.com"), STR("there.com"), FORWARDING_REDIRECT},
                                             .actor = {STR(""), STR(""), STR("")},
                                             .now_ms = f->now,
                                             .lease_until_ms = f->now + 1000};
    struct step step;
    return forwarding_begin(db, &change, act->arena, &act->yes, &step, reterr);
}

/* A change that is to be taken back or finished by a worker; another one takes its place. */
static void a_forwarding_is_changed_by_one(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    make_mailbox_due(f);
    fixture_run(f, "UPDATE steps SET state = 'done'");
    fixture_run(f, "UPDATE domains SET state = 'ready'");
    struct act before = ACT(MINE, forward);
    pass(&before);
    succeeded(&before);
    fixture_run(f, "UPDATE steps SET state = 'retrying', due_ms = 1 WHERE kind = 'set_forwarding'");
    gate(f, "BEFORE INSERT ON forwarding_changes");
    struct act change = ACT(MINE, forward), claim = ACT(CLAIM, claim_steps, .max = 9);
    hold(&change);
    pass(&claim);
    go_on(&change, NULL);
    assert_int_equal(claim.n, 0);
    assert_string_equal(words_of(f, "SELECT state || ' ' || attempts FROM steps WHERE kind = 'set_forwarding'"),
                        "running 2");
    act_drop(&before), act_drop(&change), act_drop(&claim);

    /* The other way round: the change meets the worker's lease. */
    fixture_run(f, "UPDATE steps SET state = 'retrying', due_ms = 1 WHERE kind = 'set_forwarding'");
    fixture_run(f, "DROP TRIGGER gate ON forwarding_changes");
    gate(f, "AFTER UPDATE ON steps");
    struct act worker = ACT(CLAIM, claim_steps, .max = 9), late = ACT(MINE, forward);
    hold(&worker);
    stop(&late);
    go_on(&worker, &late);
    failed(&late, ERR_CONFLICT);
    assert_int_equal(worker.n, 1);
    act_drop(&worker), act_drop(&late);
}

/* one.com cannot be registered; its refund waits until now. */
static void make_refund_wait(struct fixture *f) {
    struct reservation *r = order_one(f, WORKSPACE, "one.com");
    struct reserve_domain *domain = r->domains;
    domain->lines[domain->n_lines++] = (struct bill_line){
        .kind = LINE_DOMAIN_YEAR, .quantity = 1, .unit = 1500, .amount = 1500, .from_ms = 1, .to_ms = 2};
    place(f, r);
    struct step *steps;
    size_t n;
    bool stale;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1, 9, f->arena, &steps, &n, &f->error)));
    struct step_end end = step_end_of(f, STEP_FAILED, "refused");
    end.swap_ms = 5000;
    OK(IN_TX(step_record(f->db, steps, &end, &stale, &f->error)));
    f->now += 5000;
    assert_string_equal(words_of(f, "SELECT state FROM refunds"), "waiting");
}

static bool swap_it(struct db *db, struct act *act, struct error *reterr) {
    char id[UUID_TEXT], audit_id[UUID_TEXT], account_id[UUID_TEXT];
    ids_uuid(&act->ids, id);
    ids_uuid(&act->ids, audit_id);
    ids_uuid(&act->ids, account_id);
    struct swap_plan plan = *(const struct swap_plan *)act->in;
    memcpy(plan.accounts[0].id, account_id, UUID_TEXT);
    plan.accounts[0].sealed_password = STR("sealed");
    const struct swap swap = {.plan = &plan,
                              .name = STR("two.com"),
                              .id = str_of(id),
                              .audit_id = str_of(audit_id),
                              .ids = &act->ids,
                              .actor = {STR(""), STR(""), STR("")},
                              .now_ms = act->nodes->f->now};
    return swap_do(db, &swap, &act->yes, reterr);
}

#define OWED "SELECT COALESCE(-SUM(amount), 0)::bigint FROM ledger_entries WHERE account LIKE 'payable/%'"

static void what_is_swapped_is_not_paid_back(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    struct swap_plan plan = {.provider = PROVIDER_NONE};
    make_refund_wait(f);
    OK(IN_TX(swap_look(f->db, STR(WORKSPACE), STR("one.com"), f->arena, &plan, &f->error)));
    gate(f, "BEFORE UPDATE ON refunds");
    struct act swapping = ACT(MINE, swap_it, .in = &plan), claim = ACT(CLAIM, claim_refunds, .max = 9);
    hold(&swapping);
    pass(&claim);
    go_on(&swapping, NULL);
    assert_int_equal(claim.n, 0);
    assert_false(swapping.yes);
    assert_string_equal(words_of(f, "SELECT state FROM refunds"), "swapped");
    assert_int_equal(number_of(f, OWED), 0);
    act_drop(&swapping), act_drop(&claim);
}

static void what_is_paid_back_is_not_swapped(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    struct swap_plan plan = {.provider = PROVIDER_NONE};
    make_refund_wait(f);
    OK(IN_TX(swap_look(f->db, STR(WORKSPACE), STR("one.com"), f->arena, &plan, &f->error)));
    gate(f, "AFTER UPDATE ON refunds");
    struct act claim = ACT(CLAIM, claim_refunds, .max = 9), swapping = ACT(MINE, swap_it, .in = &plan);
    hold(&claim);
    stop(&swapping);
    go_on(&claim, &swapping);
    assert_int_equal(claim.n, 1);
    failed(&swapping, ERR_CONFLICT);
    assert_string_equal(words_of(f, "SELECT state FROM refunds"), "running");
    assert_int_equal(number_of(f, OWED), 1500);
    act_drop(&swapping), act_drop(&claim);
}

/* ---- webhooks ---- */

static void add_hook(struct fixture *f) {
    const struct webhook webhook = {
        .id = STR(HOOK), .workspace_id = STR(WORKSPACE), .target = STR("https://example.com/"), .created_ms = f->now};
    OK(IN_TX(webhook_add(f->db, &webhook, &f->error)));
}

static void happen(struct fixture *f) {
    const struct event event = {
        .workspace_id = STR(WORKSPACE), .type = EVENT_DOMAIN_READY, .domain = STR("one.com"), .now_ms = f->now};
    OK(IN_TX(event_add(f->db, &event, &f->error)));
}

static bool hand_out(struct db *db, struct act *act, struct error *reterr) {
    return delivery_hand_out(db, act->nodes->f->now, 99, &act->n, reterr);
}

static bool finish(struct db *db, struct act *act, struct error *reterr) {
    const struct delivery_batch *batch = act->in;
    for (size_t i = 0; i < batch->n; i++) batch->deliveries[i].end = DELIVERY_DONE;
    const struct delivery_record record = {.batch = batch, .reason = STR(""), .now_ms = act->nodes->f->now};
    return delivery_finish(db, &record, &act->yes, reterr);
}

static bool remove_hook(struct db *db, struct act *act, struct error *reterr) {
    (void)act;
    return webhook_remove(db, STR(HOOK), reterr);
}

#define HOOK_DUE "SELECT CASE WHEN due_ms IS NULL THEN -1 ELSE due_ms END FROM webhooks"

/* A webhook that is leased with one event; another event has happened. */
static void make_busy(struct nodes *nodes, struct act *claim) {
    struct fixture *f = nodes->f;
    add_hook(f);
    happen(f);
    struct act handing = ACT(CLAIM, hand_out);
    pass(&handing);
    pass(claim);
    assert_int_equal(claim->batch.n, 1);
    happen(f);
    act_drop(&handing);
}

/* Else the event would lie there until the next one. */
static void who_lets_go_of_a_webhook_misses_nothing(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    struct act claim = ACT(CLAIM, claim_webhook);
    make_busy(nodes, &claim);
    gate(f, "AFTER INSERT ON deliveries");
    struct act handing = ACT(CLAIM, hand_out), finishing = ACT(MINE, finish, .in = &claim.batch);
    hold(&handing);
    stop(&finishing);
    go_on(&handing, &finishing);
    succeeded(&finishing);
    assert_int_equal(handing.n, 1);
    assert_int_equal(number_of(f, HOOK_DUE), f->now);
    act_drop(&claim), act_drop(&handing), act_drop(&finishing);
}

static void who_hands_out_to_a_webhook_that_is_let_go_wakes_it(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    struct act claim = ACT(CLAIM, claim_webhook);
    make_busy(nodes, &claim);
    gate(f, "AFTER DELETE ON deliveries");
    struct act finishing = ACT(MINE, finish, .in = &claim.batch), handing = ACT(CLAIM, hand_out);
    hold(&finishing);
    stop(&handing);
    go_on(&finishing, &handing);
    succeeded(&handing);
    assert_int_equal(handing.n, 1);
    assert_int_equal(number_of(f, HOOK_DUE), f->now);
    act_drop(&claim), act_drop(&handing), act_drop(&finishing);
}

static void nothing_is_handed_out_to_a_webhook_that_goes(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    add_hook(f);
    happen(f);
    gate(f, "BEFORE DELETE ON deliveries");
    struct act removing = ACT(MINE, remove_hook), handing = ACT(CLAIM, hand_out);
    hold(&removing);
    stop(&handing);
    go_on(&removing, &handing);
    succeeded(&handing);
    assert_int_equal(number_of(f, "SELECT (SELECT COUNT(*) FROM webhooks) + (SELECT COUNT(*) FROM deliveries)"), 0);
    act_drop(&removing), act_drop(&handing);
}

/* And so in the order in which they happened. */
static void one_node_hands_out(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    add_hook(f);
    happen(f);
    gate(f, "AFTER INSERT ON deliveries");
    struct act first = ACT(CLAIM, hand_out), second = ACT(CLAIM, hand_out), third = ACT(CLAIM, hand_out);
    hold(&first);
    happen(f);
    pass(&second);
    go_on(&first, NULL);
    pass(&third);
    assert_int_equal(first.n, 1);
    assert_int_equal(second.n, 0);
    assert_int_equal(third.n, 1);
    act_drop(&first), act_drop(&second), act_drop(&third);
}

/* ---- renewals, zones, keys ---- */

static bool collect(struct db *db, struct act *act, struct error *reterr) {
    return renewal_collect(db, &act->ids, act->in, act->nodes->f->now, reterr);
}

static void a_day_is_collected_once(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    place(f, order_one(f, WORKSPACE, "one.com"));
    fixture_run(f, "UPDATE domains SET year_renews_ms = 5");
    struct renewal_group group;
    OK(renewal_first_group(f->db, &group, &f->error));
    gate(f, "AFTER INSERT ON renewals");
    struct act first = ACT(MINE, collect, .in = &group), second = ACT(MINE, collect, .in = &group);
    hold(&first);
    stop(&second);
    go_on(&first, &second);
    succeeded(&second);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM renewals"), 1);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM renewal_items"), 1);
    act_drop(&first), act_drop(&second);
}

static bool begin_zone(struct db *db, struct act *act, struct error *reterr) {
    const struct step *step = act->in;
    bool held, stale;
    const struct zone_part_row none = {.exists = false};
    const struct zone_part_row to = {.published = STR(""), .is_begun = true, .begun = STR("x\n")};
    return step_is_held(db, step, &held, reterr) && held &&
           zone_part_put(db, step->domain_id, ZONE_MAIL, &none, &to, &stale, reterr);
}

/* Whoever leases the step next finds what was begun. */
static void a_zone_is_begun_by_who_holds_it(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    place(f, order_one(f, WORKSPACE, "one.com"));
    struct act old = ACT(CLAIM, claim_steps, .max = 9);
    pass(&old);
    assert_int_equal(old.n, 1);
    f->now += 1000; /* its lease is over */
    gate(f, "BEFORE INSERT ON zone_parts");
    struct act writing = ACT(CLAIM, begin_zone, .in = old.steps), other = ACT(CLAIM, claim_steps, .max = 9);
    struct act later = ACT(CLAIM, claim_steps, .max = 9);
    hold(&writing);
    pass(&other);
    go_on(&writing, NULL);
    assert_int_equal(other.n, 0);
    pass(&later);
    assert_int_equal(later.n, 1);
    act_drop(&old), act_drop(&writing), act_drop(&other), act_drop(&later);
}

/* ---- what customers ask for ---- */

static struct mend mend_one(const struct act *act) {
    return (struct mend){
        .workspace_id = STR(WORKSPACE), .domain = STR("one.com"), .audit_id = STR("a"), .now_ms = act->nodes->f->now};
}

static bool retry_one(struct db *db, struct act *act, struct error *reterr) {
    const struct mend mend = mend_one(act);
    int64_t n = 0;
    bool ok = mend_retry(db, &mend, &n, reterr);
    act->n = (size_t)n;
    return ok;
}

static bool repair_one(struct db *db, struct act *act, struct error *reterr) {
    const struct mend mend = mend_one(act);
    return mend_repair(db, &mend, reterr);
}

static bool check_one(struct db *db, struct act *act, struct error *reterr) {
    const struct mend mend = mend_one(act);
    struct care care;
    return mend_begin_check(db, &mend, mend.now_ms + 1000, act->arena, &care, &act->yes, reterr);
}

static void what_is_being_claimed_is_not_tried_again(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    place(f, order_one(f, WORKSPACE, "one.com"));
    fixture_run(f, "UPDATE steps SET state = 'retrying' WHERE state = 'due'");
    gate(f, "AFTER UPDATE ON steps");
    struct act claim = ACT(CLAIM, claim_steps, .max = 9), retry = ACT(MINE, retry_one);
    hold(&claim);
    stop(&retry);
    go_on(&claim, &retry);
    assert_int_equal(claim.n, 1);
    failed(&retry, ERR_CONFLICT);
    assert_string_equal(words_of(f, "SELECT state FROM steps WHERE state <> 'blocked'"), "running");
    act_drop(&claim), act_drop(&retry);
}

static void what_is_being_published_is_not_repaired(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    place(f, order_one(f, WORKSPACE, "one.com"));
    fixture_run(f, "UPDATE steps SET state = CASE kind WHEN 'publish_dns' THEN 'due' ELSE 'done' END");
    gate(f, "AFTER UPDATE ON steps");
    struct act claim = ACT(CLAIM, claim_steps, .max = 9), repair = ACT(MINE, repair_one);
    hold(&claim);
    stop(&repair);
    go_on(&claim, &repair);
    assert_int_equal(claim.n, 1);
    failed(&repair, ERR_CONFLICT);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM zone_parts"), 0);
    act_drop(&claim), act_drop(&repair);
}

static void what_is_being_repaired_is_published_afterwards(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    place(f, order_one(f, WORKSPACE, "one.com"));
    fixture_run(f, "UPDATE steps SET state = CASE kind WHEN 'publish_dns' THEN 'due' ELSE 'done' END");
    gate(f, "BEFORE INSERT ON zone_parts");
    struct act repair = ACT(MINE, repair_one), claim = ACT(CLAIM, claim_steps, .max = 9);
    struct act later = ACT(CLAIM, claim_steps, .max = 9);
    hold(&repair);
    pass(&claim);
    go_on(&repair, NULL);
    assert_int_equal(claim.n, 0);
    pass(&later);
    assert_int_equal(later.n, 1);
    act_drop(&repair), act_drop(&claim), act_drop(&later);
}

static void a_check_is_leased_by_one(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    place(f, order_one(f, WORKSPACE, "one.com"));
    fixture_run(f, "UPDATE steps SET state = 'done'");
    fixture_run(f, "UPDATE domains SET state = 'ready'");
    OK(IN_TX(care_begin(f->db, str_of(words_of(f, "SELECT id FROM domains")), f->now - 9, &f->error)));
    gate(f, "AFTER UPDATE ON domain_care FOR EACH ROW");
    struct act claim = ACT(CLAIM, claim_care, .max = 9), check = ACT(MINE, check_one);
    hold(&claim);
    stop(&check);
    go_on(&claim, &check);
    succeeded(&check);
    assert_int_equal(claim.n, 1);
    assert_false(check.yes);
    assert_int_equal(number_of(f, "SELECT attempts FROM domain_care"), 1);
    act_drop(&claim), act_drop(&check);
}

static bool claim_key(struct db *db, struct act *act, struct error *reterr) {
    const struct idempotency_claim claim = {
        .workspace_id = STR(WORKSPACE), .key = STR("k"), .now_ms = act->nodes->f->now, .dead_after_ms = 1000};
    enum idempotency result = IDEMPOTENCY_NEW;
    struct str answer;
    bool ok = idempotency_claim(db, &claim, act->arena, &result, &answer, reterr);
    act->result = (int)result;
    return ok;
}

/* As step/place.c does it: whose key it is, and the order. */
static bool reserve_keyed(struct db *db, struct act *act, struct error *reterr) {
    const struct idempotency_hold hold = {.workspace_id = STR(WORKSPACE), .key = STR("k"), .claimed_ms = 1000000};
    if (!idempotency_is_held(db, &hold, &act->yes, reterr)) return false;
    return !act->yes || order_reserve(db, act->in, reterr);
}

static void a_key_is_not_taken_from_who_orders(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    struct reservation *r = order_one(f, WORKSPACE, "one.com");
    r->idempotency_key = STR("k");
    struct act claim = ACT(MINE, claim_key);
    pass(&claim);
    assert_int_equal(claim.result, IDEMPOTENCY_NEW);
    f->now += 5000; /* it is taken for dead, but goes on */
    gate(f, "AFTER INSERT ON orders");
    struct act ordering = ACT(MINE, reserve_keyed, .in = r), other = ACT(MINE, claim_key);
    hold(&ordering);
    stop(&other);
    go_on(&ordering, &other);
    succeeded(&other);
    assert_true(ordering.yes);
    assert_int_equal(other.result, IDEMPOTENCY_RUNNING);
    act_drop(&claim), act_drop(&ordering), act_drop(&other);
}

static void who_lost_its_key_orders_nothing(void **state) {
    struct nodes *nodes = *state;
    struct fixture *f = nodes->f;
    struct reservation *r = order_one(f, WORKSPACE, "one.com");
    r->idempotency_key = STR("k");
    struct act claim = ACT(MINE, claim_key);
    pass(&claim);
    f->now += 5000;
    gate(f, "AFTER UPDATE ON idempotency_keys");
    struct act other = ACT(MINE, claim_key), ordering = ACT(MINE, reserve_keyed, .in = r);
    hold(&other);
    stop(&ordering);
    go_on(&other, &ordering);
    succeeded(&ordering);
    assert_int_equal(other.result, IDEMPOTENCY_NEW);
    assert_false(ordering.yes);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM orders"), 0);
    act_drop(&claim), act_drop(&ordering), act_drop(&other);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_name_is_sold_once),
        CASE(orders_of_the_same_names_do_not_deadlock),
        CASE(stock_is_sold_once),
        CASE(a_promotion_keeps_its_limit),
        CASE(invoices_have_no_gap),
        CASE(changes_of_a_workspace_follow_each_other),
        CASE(the_operator_is_alone),
        CASE(credit_is_given_once),
        CASE(claims_pass_each_other_by),
        CASE(what_changes_while_a_step_is_claimed_is_worked_on_later),
        CASE(what_changed_before_a_claim_is_read_by_it),
        CASE(an_order_is_settled_beside_who_takes_it_over),
        CASE(nobody_begins_a_mailbox_that_is_being_cancelled),
        CASE(a_mailbox_is_removed_when_its_maker_cannot_be_at_it),
        CASE(a_forwarding_is_changed_by_one),
        CASE(what_is_swapped_is_not_paid_back),
        CASE(what_is_paid_back_is_not_swapped),
        CASE(who_lets_go_of_a_webhook_misses_nothing),
        CASE(who_hands_out_to_a_webhook_that_is_let_go_wakes_it),
        CASE(nothing_is_handed_out_to_a_webhook_that_goes),
        CASE(one_node_hands_out),
        CASE(a_day_is_collected_once),
        CASE(a_zone_is_begun_by_who_holds_it),
        CASE(what_is_being_claimed_is_not_tried_again),
        CASE(what_is_being_published_is_not_repaired),
        CASE(what_is_being_repaired_is_published_afterwards),
        CASE(a_check_is_leased_by_one),
        CASE(a_key_is_not_taken_from_who_orders),
        CASE(who_lost_its_key_orders_nothing),
    };
    if (!getenv("DFYD_TEST_POSTGRES")) return 77; /* runs beside with_postgres.py */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
