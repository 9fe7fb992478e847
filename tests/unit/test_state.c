/* state: the words, the moves between them and what a refused step means. */
#include "core/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void words_lead_back_to_their_states(void **state) {
    (void)state;
    static const struct {
        const char *const *names;
        size_t n;
    } kinds[] = {
        {order_state_names, ORDER_STATE_END},     {domain_state_names, DOMAIN_STATE_END},
        {account_state_names, ACCOUNT_STATE_END}, {step_state_names, STEP_STATE_END},
        {step_kind_names, STEP_KIND_END},         {forwarding_mode_names, FORWARDING_MODE_END},
    };
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; i < kinds[k].n; i++)
            assert_int_equal(state_by_name(str_of(kinds[k].names[i]), kinds[k].names, kinds[k].n), i);
        assert_int_equal(state_by_name(STR("nonsense"), kinds[k].names, kinds[k].n), kinds[k].n);
        assert_int_equal(state_by_name(STR(""), kinds[k].names, kinds[k].n), kinds[k].n);
    }
}

static void an_order_ends_once(void **state) {
    (void)state;
    for (int from = 0; from < ORDER_STATE_END; from++)
        for (int to = 0; to < ORDER_STATE_END; to++)
            assert_int_equal(order_may_move((enum order_state)from, (enum order_state)to),
                             from == ORDER_RESERVED && to != ORDER_RESERVED);
}

static void steps_move_as_drawn(void **state) {
    (void)state;
    /* Rows: from; columns: to; in the order of the enum. */
    static const char *const drawn[STEP_STATE_END] = {
        /*                   blocked due running retrying done failed skipped */
        [STEP_BLOCKED] = ".x....x", [STEP_DUE] = "..x...x",    [STEP_RUNNING] = ".xxxxxx", [STEP_RETRYING] = "..x...x",
        [STEP_DONE] = ".......",    [STEP_FAILED] = ".......", [STEP_SKIPPED] = ".......",
    };
    for (int from = 0; from < STEP_STATE_END; from++)
        for (int to = 0; to < STEP_STATE_END; to++)
            assert_int_equal(step_may_move((enum step_state)from, (enum step_state)to), drawn[from][to] == 'x');
}

static void a_domain_is_lost_with_its_name_or_its_records(void **state) {
    (void)state;
    assert_int_equal(step_rank(STEP_REGISTER_DOMAIN), 0);
    assert_int_equal(step_rank(STEP_PUBLISH_DNS), 1);
    assert_int_equal(step_rank(STEP_CREATE_MAILBOX), 2);
    assert_int_equal(step_rank(STEP_SET_FORWARDING), 2);
    assert_true(step_rank(STEP_REMOVE_MAILBOX) > step_rank(STEP_CREATE_MAILBOX));
    assert_true(step_is_vital(STEP_REGISTER_DOMAIN));
    assert_true(step_is_vital(STEP_PUBLISH_DNS));
    assert_false(step_is_vital(STEP_CREATE_MAILBOX));
    assert_false(step_is_vital(STEP_SET_FORWARDING));
    assert_false(step_is_vital(STEP_REMOVE_MAILBOX));
    assert_false(step_is_vital(STEP_RENEW_DOMAIN));
    assert_false(step_is_vital(STEP_SET_ACCESS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_lead_back_to_their_states),
        cmocka_unit_test(an_order_ends_once),
        cmocka_unit_test(steps_move_as_drawn),
        cmocka_unit_test(a_domain_is_lost_with_its_name_or_its_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
