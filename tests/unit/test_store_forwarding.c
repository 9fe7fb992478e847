#include "store/forwarding.h"
#include "store_fixture.h"

/* one.com, ready, forwarding to TARGET (empty: nowhere). */
static void make_ready(struct fixture *f, const char *target, enum step_state web_end) {
    struct reserve_domain domain = make_domain(f, "one.com", 1, target);
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    for (size_t n = 1; n;) {
        struct step *steps;
        bool stale;
        OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 9, f->arena, &steps, &n, &f->error)));
        for (size_t i = 0; i < n; i++) {
            struct step_end end = step_end_of(f, steps[i].kind == STEP_SET_FORWARDING ? web_end : STEP_DONE, "no edge");
            OK(IN_TX(step_record(f->db, &steps[i], &end, &stale, &f->error)));
        }
    }
}

struct begun {
    bool needed;
    struct step step;
};

static bool try_begin(struct fixture *f, const char *workspace, const char *target, enum forwarding_mode mode,
                      struct begun *ret) {
    char id[UUID_TEXT];
    ids_uuid(&f->ids, id);
    const struct forwarding_change change = {
        .audit_id = str_of(id),
        .workspace_id = str_of(workspace),
        .to = {STR("one.com"), str_of(target), mode},
        .actor = {STR("key"), STR("192.0.2.1"), STR("agent")},
        .now_ms = f->now,
        .lease_until_ms = f->now + 1000,
    };
    return IN_TX(forwarding_begin(f->db, &change, f->arena, &ret->needed, &ret->step, &f->error));
}

static struct step begin(struct fixture *f, const char *target, enum forwarding_mode mode) {
    struct begun begun = {.needed = false};
    OK(try_begin(f, WORKSPACE, target, mode, &begun));
    assert_true(begun.needed && begun.step.is_change && str_is(begun.step.forwarding, target));
    return begun.step;
}

static bool end(struct fixture *f, const struct step *step, enum step_state state) {
    bool stale = true;
    struct step_end end = step_end_of(f, state, "why");
    OK(IN_TX(forwarding_end(f->db, step, &end, &stale, &f->error)));
    return !stale;
}

static const char *now_is(struct fixture *f) {
    struct forwarding got;
    OK(forwarding_get(f->db, STR(WORKSPACE), STR("one.com"), f->arena, &got, &f->error));
    return arena_printf(f->arena, "%.*s %s", STR_ARG(got.target), forwarding_mode_names[got.mode]).p;
}

/* What a worker would do next; the step with what it works towards. */
static struct step claim_one(struct fixture *f) {
    struct step *steps;
    size_t n;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 9, f->arena, &steps, &n, &f->error)));
    assert_int_equal(n, 1);
    assert_int_equal(steps[0].kind, STEP_SET_FORWARDING);
    return steps[0];
}

static void record(struct fixture *f, const struct step *step, enum step_state state) {
    bool stale;
    struct step_end end = step_end_of(f, state, "why");
    OK(IN_TX(step_record(f->db, step, &end, &stale, &f->error)));
    assert_false(stale);
}

#define WEB "SELECT state || ' ' || reason FROM steps WHERE kind = 'set_forwarding'"
#define DOMAIN "SELECT state FROM domains"
#define PENDING "SELECT COUNT(*) FROM forwarding_changes"
#define AUDIT "SELECT activity || ' ' || detail FROM audit_logs WHERE activity LIKE 'forwarding%' ORDER BY id"

static void a_change_is_seen_once_it_is_applied(void **state) {
    struct fixture *f = *state;
    make_ready(f, "", STEP_DONE);
    assert_string_equal(now_is(f), " redirect");
    struct step step = begin(f, "target.org", FORWARDING_STEALTH);
    assert_string_equal(now_is(f), " redirect");
    assert_true(end(f, &step, STEP_DONE));
    assert_string_equal(now_is(f), "target.org stealth");
    step = begin(f, "", FORWARDING_REDIRECT);
    assert_true(end(f, &step, STEP_DONE));
    assert_string_equal(now_is(f), " redirect");
    assert_string_equal(words_of(f, AUDIT),
                        "forwarding_set {\"domain\":\"one.com\",\"forwarding_domain\":\"target.org\","
                        "\"forwarding_mode\":\"stealth\"}|forwarding_removed {\"domain\":\"one.com\"}");
    struct begun none = {.needed = true};
    OK(try_begin(f, WORKSPACE, "", FORWARDING_REDIRECT, &none)); /* nothing to take away */
    assert_false(none.needed);
    assert_int_equal(number_of(f, PENDING), 0);
    assert_string_equal(words_of(f, DOMAIN), "ready");
}

static void a_refused_change_leaves_all_as_it_was(void **state) {
    struct fixture *f = *state;
    make_ready(f, "old.org", STEP_DONE);
    struct step step = begin(f, "new.org", FORWARDING_REDIRECT);
    assert_true(end(f, &step, STEP_FAILED));
    assert_string_equal(now_is(f), "old.org redirect");
    assert_string_equal(words_of(f, WEB), "done ");
    assert_string_equal(words_of(f, DOMAIN), "ready");
    assert_string_equal(words_of(f, AUDIT), "");
    assert_int_equal(number_of(f, PENDING), 0);
}

static void an_unknown_change_is_taken_back(void **state) {
    struct fixture *f = *state;
    make_ready(f, "old.org", STEP_DONE);
    struct step step = begin(f, "", FORWARDING_REDIRECT);
    assert_true(end(f, &step, STEP_RETRYING));
    assert_string_equal(now_is(f), "old.org redirect");
    f->now += 500;
    struct step undo = claim_one(f);
    assert_true(undo.is_change && str_is(undo.forwarding, "old.org"));
    record(f, &undo, STEP_DONE);
    assert_string_equal(now_is(f), "old.org redirect");
    assert_string_equal(words_of(f, AUDIT), "");
    assert_string_equal(words_of(f, WEB), "done ");
    assert_int_equal(number_of(f, PENDING), 0);
}

static void after_a_crash_a_worker_goes_on(void **state) {
    struct fixture *f = *state;
    make_ready(f, "", STEP_DONE);
    struct step lost = begin(f, "target.org", FORWARDING_STEALTH);
    OK(IN_TX(step_free_all(f->db, f->now, &f->error)));
    struct step step = claim_one(f);
    assert_true(str_is(step.forwarding, "target.org"));
    assert_false(end(f, &lost, STEP_RETRYING)); /* too late to take it back */
    record(f, &step, STEP_RETRYING);
    f->now += 500;
    step = claim_one(f);
    assert_true(str_is(step.forwarding, "target.org")); /* still: nobody was told that it failed */
    record(f, &step, STEP_DONE);
    assert_string_equal(now_is(f), "target.org stealth");
    assert_string_equal(words_of(f, "SELECT key_id || address || user_agent FROM audit_logs"
                                    " WHERE activity = 'forwarding_set'"),
                        "key192.0.2.1agent");
}

static void one_change_at_a_time(void **state) {
    struct fixture *f = *state;
    make_ready(f, "", STEP_DONE);
    struct step first = begin(f, "target.org", FORWARDING_REDIRECT);
    struct begun other;
    FAILS(ERR_CONFLICT, try_begin(f, WORKSPACE, "other.org", FORWARDING_REDIRECT, &other));
    assert_true(end(f, &first, STEP_RETRYING));
    struct step second = begin(f, "other.org", FORWARDING_REDIRECT); /* in place of the undoing */
    assert_true(end(f, &second, STEP_FAILED));
    /* The refusal says nothing of what the first one did: that is still taken back. */
    assert_string_equal(words_of(f, WEB), "due ");
    struct step undo = claim_one(f);
    assert_int_equal(undo.forwarding.n, 0);
    record(f, &undo, STEP_DONE);
    assert_int_equal(number_of(f, PENDING), 0);
    assert_string_equal(now_is(f), " redirect");
}

static void what_was_refused_stays_refused_until_it_works(void **state) {
    struct fixture *f = *state;
    make_ready(f, "target.org", STEP_FAILED);
    assert_string_equal(words_of(f, DOMAIN), "partial");
    struct step step = begin(f, "other.org", FORWARDING_REDIRECT);
    assert_true(end(f, &step, STEP_FAILED));
    assert_string_equal(words_of(f, WEB), "failed no edge");
    assert_string_equal(words_of(f, DOMAIN), "partial");
    step = begin(f, "", FORWARDING_REDIRECT);
    assert_true(end(f, &step, STEP_DONE));
    assert_string_equal(words_of(f, WEB), "done ");
    assert_string_equal(words_of(f, DOMAIN), "ready");
}

static void only_a_live_domain_of_the_workspace(void **state) {
    struct fixture *f = *state;
    struct forwarding got;
    struct begun begun;
    FAILS(ERR_NOT_FOUND, forwarding_get(f->db, STR(WORKSPACE), STR("one.com"), f->arena, &got, &f->error));
    FAILS(ERR_NOT_FOUND, try_begin(f, WORKSPACE, "target.org", FORWARDING_REDIRECT, &begun));
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    FAILS(ERR_NOT_FOUND, try_begin(f, WORKSPACE, "target.org", FORWARDING_REDIRECT, &begun)); /* not paid */
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    FAILS(ERR_CONFLICT, try_begin(f, WORKSPACE, "target.org", FORWARDING_REDIRECT, &begun)); /* not registered */
    FAILS(ERR_NOT_FOUND, try_begin(f, STRANGER, "target.org", FORWARDING_REDIRECT, &begun));
    FAILS(ERR_NOT_FOUND, forwarding_get(f->db, STR(STRANGER), STR("one.com"), f->arena, &got, &f->error));
    fixture_run(f, "UPDATE domains SET state = 'cancelled'");
    FAILS(ERR_NOT_FOUND, try_begin(f, WORKSPACE, "target.org", FORWARDING_REDIRECT, &begun));
    OK(forwarding_get(f->db, STR(WORKSPACE), STR("one.com"), f->arena, &got, &f->error));
}

static void the_orders_own_forwarding_comes_first(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "target.org");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    fixture_run(f, "UPDATE steps SET state = 'done' WHERE kind IN ('register_domain', 'publish_dns');"
                   "UPDATE steps SET state = 'retrying' WHERE kind = 'set_forwarding'");
    struct begun begun;
    FAILS(ERR_CONFLICT, try_begin(f, WORKSPACE, "", FORWARDING_REDIRECT, &begun));
    fixture_run(f, "UPDATE steps SET state = 'done' WHERE kind = 'set_forwarding'");
    begin(f, "", FORWARDING_REDIRECT); /* a mailbox that is still made is no reason to wait */
}

/* two.com to nine.com, each forwarded to the next one, and nine.com to LAST. */
static void make_chain(struct fixture *f, const char *last) {
    static const char *const names[] = {"two.com",   "three.com", "four.com", "five.com", "six.com",
                                        "seven.com", "eight.com", "nine.com", "ten.com"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct reserve_domain domain = make_domain(f, names[i], 1, i + 1 < ARRAY_LEN(names) ? names[i + 1] : last);
        struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
        OK(IN_TX(order_reserve(f->db, &r, &f->error)));
        OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    }
}

static void test_targets_that_lead_back(void **state) {
    struct fixture *f = *state;
    struct begun begun;
    make_ready(f, "", STEP_DONE);
    make_chain(f, "www.one.com");
    FAILS(ERR_UNPROCESSABLE, try_begin(f, WORKSPACE, "www.one.com", FORWARDING_REDIRECT, &begun));
    FAILS(ERR_UNPROCESSABLE, try_begin(f, WORKSPACE, "ten.com", FORWARDING_REDIRECT, &begun));
    assert_string_equal(f->error.message, "ten.com cannot be the target of one.com: it leads back to it");
    FAILS(ERR_UNPROCESSABLE, try_begin(f, WORKSPACE, "www.eight.com", FORWARDING_STEALTH, &begun));
    FAILS(ERR_UNPROCESSABLE, try_begin(f, WORKSPACE, "two.com", FORWARDING_STEALTH, &begun));
    assert_string_equal(
        f->error.message,
        "two.com cannot be the target of one.com: it leads through too many domains that are forwarded");
    OK(db_exec(f->db, "UPDATE domains SET forwarding = 'home.net' WHERE name = 'ten.com'", &f->error));
    begin(f, "eight.com", FORWARDING_REDIRECT);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_targets_that_lead_back, fixture_make, fixture_drop),
        CASE(a_change_is_seen_once_it_is_applied),
        CASE(a_refused_change_leaves_all_as_it_was),
        CASE(an_unknown_change_is_taken_back),
        CASE(after_a_crash_a_worker_goes_on),
        CASE(one_change_at_a_time),
        CASE(what_was_refused_stays_refused_until_it_works),
        CASE(only_a_live_domain_of_the_workspace),
        CASE(the_orders_own_forwarding_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
