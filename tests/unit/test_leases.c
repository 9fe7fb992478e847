/* A job whose lease ran out while its thread stood still is left to the next one who leases it. */
#include "renew_fixture.h"
#include "step/settle.h"
#include "store/orders.h"

/* A registrar in front of the sandbox's whose lookups take a while. */
struct slow_registrar {
    struct registrar base;
    struct registrar *real;
    struct clock *clock;
    int64_t lookup_ms;
    int creations;
};

static enum outcome slow_lookup(struct registrar *r, struct str name, struct str key, struct answer *answer) {
    struct slow_registrar *slow = (struct slow_registrar *)r;
    slow->clock->manual_ms += slow->lookup_ms;
    return registrar_lookup(slow->real, name, key, answer);
}

static enum outcome slow_create(struct registrar *r, const struct registrar_create *job, struct answer *answer) {
    struct slow_registrar *slow = (struct slow_registrar *)r;
    slow->creations++;
    return registrar_create(slow->real, job, answer);
}

static void test_a_step_that_looked_for_too_long(void **state) {
    static const struct registrar_ops ops = {.name = "slow", .lookup = slow_lookup, .create = slow_create};
    struct fixture *f = *state;
    struct life l;
    life_begin(f, &l, "2026-01-31");
    struct slow_registrar slow = {.base = {&ops}, .real = l.drivers.registrar, .clock = &f->clock};
    l.drivers.registrar = &slow.base;
    struct reserve_domain domain = priced_domain(&l, "slow.com", 'a', 1, PROVIDER_GOOGLE);
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    r.amount = 0;
    r.payment_driver = STR("");
    OK(store_write(l.world.store, place_change, &r, &f->error));

    slow.lookup_ms = LEASE_MS / 2 + 1;
    struct step *steps;
    size_t n;
    OK(provision_claim(&l.world, 1, f->arena, &steps, &n, &f->error));
    assert_int_equal(n, 1);
    OK(provision_run(&l.world, &steps[0], &f->error));
    assert_int_equal(slow.creations, 0);
    assert_string_equal(words_of(f, "SELECT state || ': ' || reason FROM steps WHERE kind = 'register_domain'"),
                        "retrying: looking took too long: somebody else may be at it by now");

    slow.lookup_ms = 1000;
    f->clock.manual_ms += LEASE_MS;
    OK(provision_claim(&l.world, 1, f->arena, &steps, &n, &f->error));
    OK(provision_run(&l.world, &steps[0], &f->error));
    assert_int_equal(slow.creations, 1);
    l.drivers.registrar = slow.real;
    life_end(&l);
}

/* A bank whose every answer takes a while. */
struct slow_bank {
    struct payment base;
    struct payment *real;
    struct clock *clock;
    int closed;
};

static enum outcome slow_close(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct slow_bank *slow = (struct slow_bank *)p;
    slow->clock->manual_ms += LEASE_MS / 2;
    slow->closed++;
    return payment_close(slow->real, job, answer);
}

static void test_what_waited_for_others_of_its_batch(void **state) {
    static const struct payment_ops ops = {.name = "sandbox", .is_sandbox = true, .close = slow_close};
    struct fixture *f = *state;
    struct life l;
    life_begin(f, &l, "2026-01-31");
    struct slow_bank slow = {.base = {&ops}, .real = l.bank.real, .clock = &f->clock};
    l.drivers.payment = &slow.base;
    static const char *const names[] = {"one.com", "two.com", "three.com"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct reserve_domain domain = priced_domain(&l, names[i], 'a', 1, PROVIDER_GOOGLE);
        struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
        OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    }
    f->clock.manual_ms += 60000;
    size_t n;
    OK(settle_due(&l.world, false, 10, &n, &f->error));
    assert_int_equal(slow.closed, 1);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM orders WHERE state = 'reserved'"), 2);
    for (int round = 2; round <= 3; round++) {
        f->clock.manual_ms += LEASE_MS;
        OK(settle_due(&l.world, false, 10, &n, &f->error));
        assert_int_equal(slow.closed, round);
    }
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM orders WHERE state = 'payment_failed'"), 3);
    life_end(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_step_that_looked_for_too_long, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_what_waited_for_others_of_its_batch, fixture_make, fixture_drop),
    };
    return cmocka_run_group_tests_name("leases", tests, NULL, NULL);
}
