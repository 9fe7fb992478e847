/* The sandbox's clock: where it stops, and what holds it. */
#include "step/travel.h"
#include "store/sandbox_clock.h"
#include "store_fixture.h"

#define HOUR INT64_C(3600000)

struct setting {
    struct fixture *f;
    struct clock clock;
    struct store *store;
    struct world world;
    int64_t start_ms;
};

static void set_up(struct fixture *f, struct setting *s) {
    *s = (struct setting){.f = f, .clock = clock_sandbox(0), .store = fixture_store(f)};
    s->world = (struct world){
        .clock = &s->clock, .sandbox_clock = &s->clock, .rng = &f->rng, .ids = &f->ids, .store = s->store};
    s->start_ms = clock_now(&s->clock);
}

static bool aim_change(struct db *db, void *arg, struct error *reterr) {
    struct sandbox_clock clock;
    return sandbox_clock_aim(db, *(const int64_t *)arg, &clock, reterr);
}

static void aim(struct setting *s, int64_t by_ms) {
    struct fixture *f = s->f;
    OK(store_write(s->store, aim_change, &by_ms, &f->error));
}

static enum travel step_on(struct setting *s) {
    struct fixture *f = s->f;
    enum travel end;
    OK(travel_on(&s->world, &end, &f->error));
    return end;
}

/* How far the clock was moved, in hours; the test itself takes less than one. */
static int64_t hours(const struct setting *s) {
    return (clock_now(&s->clock) - s->start_ms) / HOUR;
}

/* Runs SQL with now + HOURS for $1. */
static void put(struct setting *s, const char *sql, int64_t in_hours) {
    struct fixture *f = s->f;
    struct stmt *stmt = db_stmt(f->db, sql);
    stmt_int(stmt, 1, clock_now(&s->clock) + in_hours * HOUR);
    OK(stmt_run(stmt, NULL, &f->error));
}

#define REFUND                                                                                                         \
    "INSERT INTO refunds (id, workspace_id, bill_kind, bill_id, payment_id, payment_driver, domain_id, account_id,"    \
    " amount, state, why, attempts, due_ms, reason, created_ms, ended_ms) VALUES "
#define REFUND_ROW(id, state)                                                                                          \
    "('" id "', '" WORKSPACE "', 'order', 'o', 'o', 'sandbox', 'd" id "', '', 100, '" state "', '', 0, $1, '', 1, 0)"

static void it_goes_straight_when_nothing_is_due(void **state) {
    struct setting s;
    set_up(*state, &s);
    bool wanted;
    struct fixture *f = s.f;
    OK(travel_is_wanted(&s.world, &wanted, &f->error));
    assert_false(wanted);
    assert_int_equal(step_on(&s), TRAVEL_THERE);
    aim(&s, 100 * HOUR);
    OK(travel_is_wanted(&s.world, &wanted, &f->error));
    assert_true(wanted);
    assert_int_equal(step_on(&s), TRAVEL_MOVED);
    assert_int_equal(hours(&s), 100);
    assert_int_equal(step_on(&s), TRAVEL_THERE);
    store_close(s.store);
}

static void it_stops_where_money_is_due(void **state) {
    struct setting s;
    set_up(*state, &s);
    put(&s, REFUND REFUND_ROW("r2", "due"), 20);
    put(&s, REFUND REFUND_ROW("r1", "waiting"), 10);
    put(&s, REFUND REFUND_ROW("r3", "failed"), 5);
    aim(&s, 15 * HOUR);
    assert_int_equal(step_on(&s), TRAVEL_MOVED);
    assert_int_equal(hours(&s), 10);
    assert_int_equal(step_on(&s), TRAVEL_HELD);
    assert_int_equal(hours(&s), 10);
    fixture_run(s.f, "UPDATE refunds SET state = 'done' WHERE id = 'r1'");
    assert_int_equal(step_on(&s), TRAVEL_MOVED);
    assert_int_equal(hours(&s), 15);
    aim(&s, 10 * HOUR);
    assert_int_equal(step_on(&s), TRAVEL_MOVED);
    assert_int_equal(hours(&s), 20);
    assert_int_equal(step_on(&s), TRAVEL_HELD);
    store_close(s.store);
}

static void a_lease_holds_it(void **state) {
    struct setting s;
    set_up(*state, &s);
    struct fixture *f = s.f;
    struct reserve_domain domain = make_domain(f, "acme.com", 1, "");
    struct reservation order = make_order(f, ORDER_DFY, &domain, 1);
    order.now_ms = clock_now(&s.clock);
    order.settle_after_ms = order.now_ms + HOUR;
    OK(IN_TX(order_reserve(f->db, &order, &f->error)));
    put(&s,
        "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason)"
        " SELECT id, '', 'register_domain', 0, order_id, workspace_id, 'running', 1, $1, '' FROM domains",
        2);
    aim(&s, 100 * HOUR);
    assert_int_equal(step_on(&s), TRAVEL_HELD);
    /* What is tried again later does not; the order is asked about at its time. */
    fixture_run(f, "UPDATE steps SET state = 'retrying'");
    assert_int_equal(step_on(&s), TRAVEL_MOVED);
    assert_int_equal(hours(&s), 1);
    assert_int_equal(step_on(&s), TRAVEL_HELD);
    fixture_run(f, "UPDATE orders SET state = 'placed'");
    assert_int_equal(step_on(&s), TRAVEL_MOVED);
    assert_int_equal(hours(&s), 100);
    assert_int_equal(step_on(&s), TRAVEL_THERE);
    store_close(s.store);
}

static void it_is_durable_and_never_goes_back(void **state) {
    struct setting s;
    set_up(*state, &s);
    struct fixture *f = s.f;
    aim(&s, 50 * HOUR);
    assert_int_equal(step_on(&s), TRAVEL_MOVED);
    struct sandbox_clock clock;
    OK(IN_TX(sandbox_clock_move(f->db, 1, &f->error)));
    OK(sandbox_clock_get(f->db, &clock, &f->error));
    assert_int_equal(clock.ahead_ms, 50 * HOUR);
    assert_int_equal(clock.target_ms, 50 * HOUR);
    FAILS(ERR_INVALID, IN_TX(sandbox_clock_aim(f->db, TIME_SPAN_MAX - 50 * HOUR + 1, &clock, &f->error)));
    store_close(s.store);
}

static void without_a_sandbox_the_target_is_taken_back(void **state) {
    struct setting s;
    set_up(*state, &s);
    struct fixture *f = s.f;
    s.world.sandbox_clock = NULL;
    aim(&s, 50 * HOUR);
    assert_int_equal(step_on(&s), TRAVEL_THERE);
    assert_int_equal(hours(&s), 0);
    struct sandbox_clock clock;
    OK(sandbox_clock_get(f->db, &clock, &f->error));
    assert_int_equal(clock.target_ms, 0);
    store_close(s.store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_goes_straight_when_nothing_is_due, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(it_stops_where_money_is_due, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(a_lease_holds_it, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(it_is_durable_and_never_goes_back, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(without_a_sandbox_the_target_is_taken_back, fixture_make, fixture_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
