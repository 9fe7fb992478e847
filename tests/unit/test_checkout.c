/* Checkout with a provider whose answers are written down beforehand: what is unknown is asked again, then closed. */
#include "step/checkout.h"

#include "driver/payment/payment.h"
#include "step/settle.h"
#include "store_fixture.h"

enum { CALLS = 8 };

/* A provider that gives one answer after the other; the last one stays. */
struct scripted {
    struct payment base;
    enum outcome open[CALLS], look[CALLS], close[CALLS];
    int n_open, n_look, n_close;
    char keys[CALLS][40];
};

static enum outcome say(const enum outcome *script, int *n, struct answer *answer) {
    int i = *n < CALLS ? (*n)++ : CALLS - 1;
    return answer_set(answer, script[i], "as written");
}

static enum outcome open_page(struct payment *p, const struct payment_checkout *job, struct checkout_page *ret,
                              struct answer *answer) {
    struct scripted *s = (struct scripted *)p;
    snprintf(s->keys[s->n_open % CALLS], sizeof s->keys[0], "%.*s", STR_ARG(job->charge.key));
    enum outcome outcome = say(s->open, &s->n_open, answer);
    if (outcome == OUTCOME_DONE) *ret = (struct checkout_page){"https://pay.example/1", "page_1"};
    return outcome;
}

static enum outcome look(struct payment *p, const struct payment_charge *job, struct str reference,
                         struct card_facts *ret_card, struct payment_answer *answer) {
    struct scripted *s = (struct scripted *)p;
    (void)job;
    assert_true(str_is(reference, "page_1"));
    *ret_card = (struct card_facts){.brand = "visa", .last4 = "1111", .token = "kept"};
    return say(s->look, &s->n_look, &answer->answer);
}

static enum outcome close_page(struct payment *p, const struct payment_charge *job, struct str reference,
                               struct card_facts *ret_card, struct payment_answer *answer) {
    struct scripted *s = (struct scripted *)p;
    (void)job;
    (void)reference;
    *ret_card = (struct card_facts){0};
    return say(s->close, &s->n_close, &answer->answer);
}

static const struct payment_ops scripted_ops = {
    .name = "scripted", .checkout_open = open_page, .checkout_look = look, .checkout_close = close_page};

struct shop {
    struct scripted provider;
    struct drivers drivers;
    struct world world;
};

static void shop_open(struct shop *shop, struct fixture *f) {
    shop->provider.base.ops = &scripted_ops;
    shop->drivers = (struct drivers){.payment = &shop->provider.base};
    shop->world = (struct world){.clock = &f->clock,
                                 .rng = &f->rng,
                                 .ids = &f->ids,
                                 .store = fixture_store(f),
                                 .drivers = &shop->drivers,
                                 .retry_base_ms = 10,
                                 .retry_max_ms = 10,
                                 .lease_ms = 1000,
                                 .checkout_ms = 1800000};
}

/* An order that waits for its page, as place leaves it. */
static struct reservation reserved(struct fixture *f, const char *reference) {
    struct reserve_domain domain = make_domain(f, "paged.com", 1, "");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    r.payment_driver = STR("scripted");
    r.card_token = STR("");
    r.checkout_expires_ms = f->now + 1800000;
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    struct checkout_opened opened = {.order_id = str_of(r.order_id),
                                     .url = STR("https://pay.example/1"),
                                     .reference = str_of(reference),
                                     .look_ms = f->now + 60000,
                                     .now_ms = f->now};
    if (*reference) OK(IN_TX(checkout_opened(f->db, &opened, &f->error)));
    return r;
}

static struct unsettled claimed(struct fixture *f, bool at_start) {
    struct unsettled *all;
    size_t n;
    OK(fixture_begin(f));
    OK(order_claim_unsettled(f->db, f->clock.manual_ms, at_start, f->clock.manual_ms + 1000, 10, f->arena, &all, &n,
                             &f->error));
    OK(fixture_end(f, true));
    assert_int_equal(n, 1);
    return all[0];
}

static const char *state_of(struct fixture *f) {
    return words_of(f, "SELECT state FROM orders");
}

static void a_page_nobody_heard_of_is_closed(void **state) {
    struct fixture *f = *state;
    struct shop shop = {.provider = {.close = {OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, OUTCOME_REFUSED}}};
    shop_open(&shop, f);
    reserved(f, "");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(state_of(f), "reserved");
        struct unsettled order = claimed(f, true);
        OK(checkout_end_due(&shop.world, &order, &f->error));
        f->clock.manual_ms += 1000;
    }
    assert_string_equal(state_of(f), "payment_failed");
    assert_int_equal(shop.provider.n_look, 0);
    assert_int_equal(number_of(f, "SELECT count(*) FROM domains"), 0);
    store_close(shop.world.store);
}

static void an_open_page_is_only_looked_at(void **state) {
    struct fixture *f = *state;
    struct shop shop = {
        .provider = {.look = {OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN}, .close = {OUTCOME_REFUSED}}};
    shop_open(&shop, f);
    reserved(f, "page_1");
    struct unsettled *none;
    size_t n;
    OK(order_claim_unsettled(f->db, f->now, true, f->now, 10, f->arena, &none, &n, &f->error));
    assert_int_equal(n, 0);
    f->clock.manual_ms += 60000;
    for (int i = 0; i < 2; i++) {
        struct unsettled order = claimed(f, false);
        OK(checkout_end_due(&shop.world, &order, &f->error));
        f->clock.manual_ms = number_of(f, "SELECT settle_after_ms FROM orders");
    }
    assert_int_equal(shop.provider.n_look, 2);
    assert_int_equal(shop.provider.n_close, 0);
    assert_int_equal(number_of(f, "SELECT attempts FROM orders"), 0);
    f->clock.manual_ms = f->now + 1800000;
    OK(db_exec(f->db, "UPDATE orders SET settle_after_ms = 0", &f->error));
    struct unsettled order = claimed(f, false);
    OK(checkout_end_due(&shop.world, &order, &f->error));
    assert_int_equal(shop.provider.n_close, 1);
    assert_string_equal(state_of(f), "payment_failed");
    store_close(shop.world.store);
}

static void a_close_that_finds_it_paid_places_it(void **state) {
    struct fixture *f = *state;
    struct shop shop = {.provider = {.close = {OUTCOME_UNKNOWN, OUTCOME_DONE}}};
    shop_open(&shop, f);
    reserved(f, "page_1");
    f->clock.manual_ms += 1800000;
    for (int i = 0; i < 2; i++) {
        struct unsettled order = claimed(f, false);
        OK(checkout_end_due(&shop.world, &order, &f->error));
        f->clock.manual_ms += 1000;
    }
    assert_string_equal(state_of(f), "placed");
    assert_int_equal(number_of(f, "SELECT count(*) FROM cards"), 0); /* one that cannot be charged again is not kept */
    store_close(shop.world.store);
}

static void paid_too_late_goes_back_once(void **state) {
    struct fixture *f = *state;
    struct shop shop = {.provider = {.close = {OUTCOME_REFUSED, OUTCOME_DONE, OUTCOME_DONE}}};
    shop_open(&shop, f);
    struct reservation r = reserved(f, "page_1");
    f->clock.manual_ms += 1800000;
    struct unsettled order = claimed(f, false);
    OK(checkout_end_due(&shop.world, &order, &f->error));
    struct checkout found;
    enum checkout_state end;
    for (int i = 0; i < 2; i++) {
        OK(checkout_look(&shop.world, str_of(r.order_id), true, f->arena, &found, &end, &f->error));
        assert_int_equal(end, CHECKOUT_IS_GIVEN_BACK);
    }
    assert_int_equal(number_of(f, "SELECT count(*) FROM refunds"), 1);
    assert_int_equal(number_of(f, "SELECT amount FROM refunds"), r.amount);
    assert_int_equal(number_of(f, "SELECT sum(amount) FROM ledger_entries"), 0);
    assert_int_equal(number_of(f, "SELECT -sum(amount) FROM ledger_entries WHERE account LIKE 'payable/%'"), r.amount);
    /* A customer who looks again does not make it ask the provider. */
    OK(checkout_look(&shop.world, str_of(r.order_id), false, f->arena, &found, &end, &f->error));
    assert_int_equal(end, CHECKOUT_IS_GIVEN_BACK);
    assert_int_equal(shop.provider.n_close, 3);
    store_close(shop.world.store);
}

/* Nothing is given back that may have been paid where nobody can be asked now. */
static void a_driver_that_is_not_open_is_waited_for(void **state) {
    struct fixture *f = *state;
    struct shop shop = {.provider = {.close = {OUTCOME_DONE}}};
    shop_open(&shop, f);
    reserved(f, "page_1");
    struct reserve_domain domain = make_domain(f, "charged.com", 1, "");
    struct reservation charged = make_order(f, ORDER_DFY, &domain, 1);
    charged.payment_driver = STR("elsewhere");
    OK(IN_TX(order_reserve(f->db, &charged, &f->error)));
    shop.drivers.payment = NULL;
    for (int i = 0; i < 3; i++) {
        size_t n;
        f->clock.manual_ms += 1800000;
        OK(settle_due(&shop.world, false, 10, &n, &f->error));
        assert_int_equal(n, 2);
        assert_string_equal(words_of(f, "SELECT state || ' ' || reason FROM orders ORDER BY payment_driver"),
                            "reserved the payment driver elsewhere is not open here"
                            "|reserved the payment driver scripted is not open here");
    }
    shop.drivers.payment = &shop.provider.base;
    size_t n;
    f->clock.manual_ms += 1800000;
    OK(settle_due(&shop.world, false, 10, &n, &f->error));
    assert_string_equal(words_of(f, "SELECT state FROM orders ORDER BY payment_driver"), "reserved|placed");
    store_close(shop.world.store);
}

static void looks_grow_apart_and_end_with_the_page(void **state) {
    (void)state;
    int64_t at = 0, expires = 1800000;
    int n = 0;
    for (; at < expires; n++) {
        int64_t next = checkout_next_look(0, expires, at);
        assert_true(next > at && next <= expires);
        at = next;
    }
    assert_in_range(n, 5, 7);
    assert_int_equal(checkout_next_look(0, expires, expires + 5), expires + 5);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(a_page_nobody_heard_of_is_closed),        CASE(an_open_page_is_only_looked_at),
        CASE(a_close_that_finds_it_paid_places_it),    CASE(paid_too_late_goes_back_once),
        CASE(a_driver_that_is_not_open_is_waited_for), CASE(looks_grow_apart_and_end_with_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
