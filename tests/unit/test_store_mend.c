/* What customers ask for about their domains: what it touches, whose it is, and what is told of it. */
#include "store/mend.h"
#include "store_fixture.h"

#define STEPS "SELECT kind || ' ' || state || ' ' || due_ms FROM steps ORDER BY rank, kind, account_id"
#define TOLD                                                                                                           \
    "SELECT activity || ' ' || affected || ' ' || detail FROM audit_logs WHERE activity LIKE 'domain%' ORDER BY id"

/* An order for NAME with two mailboxes. */
static void sell(struct fixture *f, const char *name) {
    struct reserve_domain domain = make_domain(f, name, 2, "");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
}

/* Runs what is due once; all of it ends as END. False: there was nothing. */
static bool work(struct fixture *f, enum step_state end, const char *reason) {
    struct step *steps;
    size_t n;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 9, f->arena, &steps, &n, &f->error)));
    for (size_t i = 0; i < n; i++) {
        bool stale;
        struct step_end how = step_end_of(f, end, reason);
        OK(IN_TX(step_record(f->db, &steps[i], &how, &stale, &f->error)));
    }
    return n > 0;
}

static struct mend mend_of(struct fixture *f, const char *workspace_id) {
    char id[UUID_TEXT];
    ids_uuid(&f->ids, id);
    return (struct mend){
        .workspace_id = str_of(workspace_id),
        .domain = STR("one.com"),
        .audit_id = arena_str(f->arena, str_of(id)),
        .actor = {.key_id = STR(""), .address = STR("192.0.2.1"), .user_agent = STR("")},
        .now_ms = f->now,
    };
}

static bool retry(struct fixture *f, const char *workspace_id, int64_t *ret_n) {
    const struct mend mend = mend_of(f, workspace_id);
    return IN_TX(mend_retry(f->db, &mend, ret_n, &f->error));
}

static bool repair(struct fixture *f, const char *workspace_id) {
    const struct mend mend = mend_of(f, workspace_id);
    return IN_TX(mend_repair(f->db, &mend, &f->error));
}

static bool check(struct fixture *f, const char *workspace_id, bool *ret_held) {
    const struct mend mend = mend_of(f, workspace_id);
    struct care care;
    return IN_TX(mend_begin_check(f->db, &mend, f->now + 1000, f->arena, &care, ret_held, &f->error));
}

static void another_try_now(void **state) {
    struct fixture *f = *state;
    int64_t n = 0;
    sell(f, "one.com");
    FAILS(ERR_CONFLICT, retry(f, WORKSPACE, &n));
    assert_string_equal(f->error.message, "Nothing of one.com waits for another try: it is provisioning, and what is"
                                          " left to do for it is being done now.");
    assert_true(work(f, STEP_RETRYING, "silence"));
    f->now += 100;
    assert_false(work(f, STEP_DONE, ""));
    OK(retry(f, WORKSPACE, &n));
    assert_int_equal(n, 1);
    assert_string_equal(words_of(f, STEPS), "register_domain retrying 1000100|publish_dns blocked 1000000|"
                                            "create_mailbox blocked 1000000|create_mailbox blocked 1000000");
    /* What is due already is not put off. */
    f->now += 50;
    OK(retry(f, WORKSPACE, &n));
    assert_int_equal(number_of(f, "SELECT due_ms FROM steps WHERE kind = 'register_domain'"), 1000100);
    assert_true(work(f, STEP_DONE, ""));
    assert_string_equal(words_of(f, TOLD),
                        "domain_retried 1 {\"domain\":\"one.com\"}|domain_retried 1 {\"domain\":\"one.com\"}");
}

static void what_is_leased_is_left_alone(void **state) {
    struct fixture *f = *state;
    struct step *steps, *later;
    size_t n_steps;
    int64_t n = 0;
    bool held;
    sell(f, "one.com");
    work(f, STEP_DONE, "");
    work(f, STEP_DONE, "");
    work(f, STEP_RETRYING, "silence"); /* both mailboxes */
    f->now += 500;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 1, f->arena, &steps, &n_steps, &f->error)));
    assert_int_equal(n_steps, 1);
    OK(retry(f, WORKSPACE, &n));
    assert_int_equal(n, 1);
    OK(IN_TX(step_is_held(f->db, steps, &held, &f->error)));
    assert_true(held);
    assert_int_equal(number_of(f, "SELECT due_ms FROM steps WHERE state = 'running'"), f->now + 1000);
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 9, f->arena, &later, &n_steps, &f->error)));
    assert_int_equal(n_steps, 1);
}

static void nothing_waits(void **state) {
    struct fixture *f = *state;
    int64_t n = 0;
    FAILS(ERR_NOT_FOUND, retry(f, WORKSPACE, &n));
    sell(f, "one.com");
    work(f, STEP_FAILED, "refused");
    FAILS(ERR_CONFLICT, retry(f, WORKSPACE, &n));
    assert_string_equal(f->error.message, "Nothing of one.com waits for another try: it is failed.");
    assert_string_equal(words_of(f, TOLD), "");
}

static void only_ones_own(void **state) {
    struct fixture *f = *state;
    int64_t n = 0;
    bool held;
    sell(f, "one.com");
    work(f, STEP_RETRYING, "silence");
    FAILS(ERR_NOT_FOUND, retry(f, STRANGER, &n));
    FAILS(ERR_NOT_FOUND, repair(f, STRANGER));
    FAILS(ERR_NOT_FOUND, check(f, STRANGER, &held));
    assert_string_equal(words_of(f, TOLD), "");
}

static void records_are_published_again(void **state) {
    struct fixture *f = *state;
    sell(f, "one.com");
    work(f, STEP_DONE, "");
    struct step *steps;
    size_t n;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 9, f->arena, &steps, &n, &f->error)));
    FAILS(ERR_CONFLICT, repair(f, WORKSPACE));
    assert_string_equal(f->error.message, "Records of one.com are being published at this moment. Try again.");
    bool stale;
    struct step_end end = step_end_of(f, STEP_DONE, "");
    OK(IN_TX(step_record(f->db, steps, &end, &stale, &f->error)));
    f->now += 7;
    OK(repair(f, WORKSPACE));
    assert_string_equal(words_of(f, "SELECT state || ' ' || due_ms FROM steps WHERE kind = 'publish_dns'"),
                        "due 1000007");
    assert_string_equal(words_of(f, "SELECT part || ' ' || overwrite FROM zone_parts"), "mail 1");
    assert_string_equal(words_of(f, TOLD), "domain_repaired 1 {\"domain\":\"one.com\"}");
}

static void what_is_over_is_not_repaired(void **state) {
    struct fixture *f = *state;
    sell(f, "one.com");
    work(f, STEP_FAILED, "refused");
    FAILS(ERR_CONFLICT, repair(f, WORKSPACE));
    assert_string_equal(f->error.message, "one.com is failed: its records are not published any more.");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM zone_parts"), 0);
}

static void a_check_of_what_is_in_use(void **state) {
    struct fixture *f = *state;
    bool held;
    sell(f, "one.com");
    FAILS(ERR_CONFLICT, check(f, WORKSPACE, &held));
    assert_string_equal(f->error.message, "one.com is provisioning. Only a domain that is in use can be checked.");
    while (work(f, STEP_DONE, "")) continue;
    OK(check(f, WORKSPACE, &held));
    assert_true(held);
    OK(check(f, WORKSPACE, &held));
    assert_false(held);
    assert_string_equal(words_of(f, TOLD),
                        "domain_checked 1 {\"domain\":\"one.com\"}|domain_checked 1 {\"domain\":\"one.com\"}");
}

/* The name was cancelled and is somebody else's by now: the old owner has nothing to say about it. */
static void a_name_that_was_sold_again(void **state) {
    struct fixture *f = *state;
    sell(f, "one.com");
    while (work(f, STEP_DONE, "")) continue;
    fixture_run(f, "UPDATE domains SET workspace_id = '" STRANGER "', state = 'cancelled', active = 0");
    fixture_run(f, "UPDATE accounts SET workspace_id = '" STRANGER "', state = 'cancelled', active = 0");
    fixture_run(f, "DELETE FROM domain_care");
    sell(f, "one.com");
    while (work(f, STEP_DONE, "")) continue;
    bool held;
    FAILS(ERR_CONFLICT, repair(f, STRANGER));
    FAILS(ERR_CONFLICT, check(f, STRANGER, &held));
    assert_string_equal(f->error.message, "one.com is cancelled. Only a domain that is in use can be checked.");
    OK(repair(f, WORKSPACE));
    OK(check(f, WORKSPACE, &held));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(another_try_now),
        CASE(what_is_leased_is_left_alone),
        CASE(nothing_waits),
        CASE(only_ones_own),
        CASE(records_are_published_again),
        CASE(what_is_over_is_not_repaired),
        CASE(a_check_of_what_is_in_use),
        CASE(a_name_that_was_sold_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
