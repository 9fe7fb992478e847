/* Credit: the limit, a key once, closing, refunds, payments of invoices. */
#include "store/credit.h"

#include "step/on_account.h"
#include "store_fixture.h"

static struct credit_charge job(struct fixture *f, const char *id, cents amount) {
    return (struct credit_charge){str_of(id), STR(WORKSPACE), amount, f->now};
}

static enum credit_state charged(struct fixture *f, const char *id, cents amount) {
    struct credit_charge charge = job(f, id, amount);
    enum credit_state state = CREDIT_IS_OTHER;
    OK(IN_TX(credit_charge(f->db, &charge, &state, &f->error)));
    return state;
}

static enum credit_state closed(struct fixture *f, const char *id, cents amount) {
    struct credit_charge charge = job(f, id, amount);
    enum credit_state state = CREDIT_IS_OTHER;
    OK(IN_TX(credit_close(f->db, &charge, &state, &f->error)));
    return state;
}

static cents owed(struct fixture *f) {
    struct credit credit;
    OK(credit_get(f->db, STR(WORKSPACE), &credit, &f->error));
    return credit.owed;
}

static void the_limit_holds_to_the_cent(void **state) {
    struct fixture *f = *state;
    assert_int_equal(charged(f, "a", 1), CREDIT_IS_OVER_LIMIT);
    OK(IN_TX(credit_set_limit(f->db, STR(WORKSPACE), 1000, &f->error)));
    assert_int_equal(charged(f, "a", 1001), CREDIT_IS_OVER_LIMIT);
    assert_int_equal(charged(f, "a", 600), CREDIT_IS_CHARGED);
    assert_int_equal(charged(f, "b", 401), CREDIT_IS_OVER_LIMIT);
    assert_int_equal(charged(f, "b", 400), CREDIT_IS_CHARGED);
    assert_int_equal(owed(f), 1000);
    assert_int_equal(charged(f, "c", 1), CREDIT_IS_OVER_LIMIT);
    struct credit credit;
    FAILS(ERR_NOT_FOUND, credit_get(f->db, STR("none"), &credit, &f->error));
    FAILS(ERR_NOT_FOUND, IN_TX(credit_set_limit(f->db, STR("none"), 1, &f->error)));
}

static void a_key_is_charged_or_closed_once(void **state) {
    struct fixture *f = *state;
    OK(IN_TX(credit_set_limit(f->db, STR(WORKSPACE), 1000, &f->error)));
    assert_int_equal(charged(f, "a", 600), CREDIT_IS_CHARGED);
    assert_int_equal(charged(f, "a", 600), CREDIT_IS_CHARGED);
    assert_int_equal(charged(f, "a", 500), CREDIT_IS_OTHER);
    assert_int_equal(closed(f, "a", 600), CREDIT_IS_CHARGED);
    assert_int_equal(owed(f), 600);
    assert_int_equal(closed(f, "b", 100), CREDIT_IS_CLOSED);
    assert_int_equal(closed(f, "b", 100), CREDIT_IS_CLOSED);
    assert_int_equal(charged(f, "b", 100), CREDIT_IS_CLOSED);
    assert_int_equal(owed(f), 600);
    /* A lower limit takes back nothing that was allowed. */
    OK(IN_TX(credit_set_limit(f->db, STR(WORKSPACE), 0, &f->error)));
    assert_int_equal(charged(f, "a", 600), CREDIT_IS_CHARGED);
}

static void refunds_and_payments_make_room(void **state) {
    struct fixture *f = *state;
    OK(IN_TX(credit_set_limit(f->db, STR(WORKSPACE), 1000, &f->error)));
    assert_int_equal(charged(f, "a", 1000), CREDIT_IS_CHARGED);
    OK(IN_TX(credit_refund(f->db, STR("r"), STR("a"), 300, f->now, &f->error)));
    OK(IN_TX(credit_refund(f->db, STR("r"), STR("a"), 300, f->now, &f->error)));
    assert_int_equal(owed(f), 700);
    FAILS(ERR_CONFLICT, IN_TX(credit_refund(f->db, STR("r"), STR("a"), 200, f->now, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(credit_refund(f->db, STR("s"), STR("a"), 701, f->now, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(credit_refund(f->db, STR("s"), STR("a"), 0, f->now, &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(credit_refund(f->db, STR("s"), STR("none"), 1, f->now, &f->error)));
    assert_int_equal(closed(f, "shut", 5), CREDIT_IS_CLOSED);
    FAILS(ERR_NOT_FOUND, IN_TX(credit_refund(f->db, STR("s"), STR("shut"), 1, f->now, &f->error)));
    OK(db_exec(f->db,
               "INSERT INTO invoices VALUES (1, '" WORKSPACE "', 'invoice', 'order', 'a', 1000, 'invoice', '{}', 1),"
               " (2, '" WORKSPACE "', 'invoice', 'order', 'b', 5000, 'sandbox', '{}', 1);"
               "INSERT INTO invoice_payments (number, amount, note, at_ms) VALUES (1, 1000, '', 1), (2, 5000, '', 1)",
               &f->error));
    assert_int_equal(owed(f), -300);
    assert_int_equal(charged(f, "b", 1300), CREDIT_IS_CHARGED);
}

static void movements_are_what_was_written(void **state) {
    struct fixture *f = *state;
    OK(IN_TX(credit_set_limit(f->db, STR(WORKSPACE), 1000, &f->error)));
    assert_int_equal(charged(f, "a", 1000), CREDIT_IS_CHARGED);
    assert_int_equal(closed(f, "b", 10), CREDIT_IS_CLOSED);
    OK(IN_TX(credit_refund(f->db, STR("r"), STR("a"), 300, f->now + 5, &f->error)));
    struct credit_movement *all;
    size_t n;
    OK(credit_movements(f->db, f->now, f->arena, &all, &n, &f->error));
    assert_int_equal(n, 2);
    assert_true(!all[0].is_refund && str_is(all[0].id, "a") && all[0].amount == 1000 && all[0].at_ms == f->now);
    assert_true(all[1].is_refund && str_is(all[1].id, "r") && all[1].amount == 300);
    OK(credit_movements(f->db, f->now + 1, f->arena, &all, &n, &f->error));
    assert_int_equal(n, 1);
}

static void add_up(void *arg, const struct payment_movement *movement) {
    *(cents *)arg += movement->is_refund ? -movement->amount : movement->amount;
}

/* The driver over the store: its outcomes, and its words. */
static void the_driver_answers(void **state) {
    struct fixture *f = *state;
    OK(IN_TX(credit_set_limit(f->db, STR(WORKSPACE), 1000, &f->error)));
    struct on_account account = {.clock = &f->clock, .store = fixture_store(f)};
    struct credit_book book = on_account_book(&account);
    struct payment *payment = payment_invoice_create(&book);
    struct payment_answer answer;
    struct card_facts facts;
    assert_int_equal(payment_describe(payment, STR("tok_visa"), &facts, NULL), OUTCOME_REFUSED);
    assert_int_equal(payment_describe(payment, str_of(invoice_token), &facts, NULL), OUTCOME_DONE);
    assert_string_equal(facts.brand, "invoice");
    assert_string_equal(facts.last4, "");
    assert_false(payment_has_checkout(payment));

    struct payment_charge charge = {.key = STR("k"), .workspace_id = STR(WORKSPACE), .amount = 1001};
    assert_int_equal(payment_charge(payment, &charge, &answer), OUTCOME_REFUSED);
    assert_int_equal(answer.decline, DECLINE_GENERIC);
    assert_non_null(strstr(answer.answer.reason, "credit limit"));
    charge.amount = 900;
    assert_int_equal(payment_charge(payment, &charge, &answer), OUTCOME_DONE);
    assert_int_equal(payment_close(payment, &charge, &answer), OUTCOME_DONE);
    charge.key = STR("l");
    assert_int_equal(payment_close(payment, &charge, &answer), OUTCOME_REFUSED);
    assert_int_equal(payment_charge(payment, &charge, &answer), OUTCOME_REFUSED);
    charge.workspace_id = STR("nobody");
    charge.key = STR("m");
    assert_int_equal(payment_charge(payment, &charge, &answer), OUTCOME_UNKNOWN);

    struct payment_refund refund = {.key = STR("r"), .charge_key = STR("k"), .amount = 900};
    assert_int_equal(payment_refund(payment, &refund, &answer), OUTCOME_DONE);
    assert_int_equal(payment_refund(payment, &refund, &answer), OUTCOME_DONE);
    refund.key = STR("s");
    assert_int_equal(payment_refund(payment, &refund, &answer), OUTCOME_REFUSED);
    cents left = 0;
    assert_int_equal(payment_movements(payment, 0, add_up, &left, NULL), OUTCOME_DONE);
    assert_int_equal(left, 0);
    payment_destroy(payment);
    store_close(account.store);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(the_limit_holds_to_the_cent),
        CASE(a_key_is_charged_or_closed_once),
        CASE(refunds_and_payments_make_room),
        CASE(movements_are_what_was_written),
        CASE(the_driver_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
