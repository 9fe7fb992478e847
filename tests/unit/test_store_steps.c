#include "store/steps.h"
#include "store_fixture.h"

static void place(struct fixture *f, enum order_type type, struct reserve_domain *domain) {
    struct reservation r = make_order(f, type, domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
}

struct claimed {
    struct step *steps;
    size_t n;
};

static struct claimed claim(struct fixture *f, size_t max) {
    struct claimed c;
    OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, max, f->arena, &c.steps, &c.n, &f->error)));
    return c;
}

static bool record(struct fixture *f, const struct step *step, enum step_state end, const char *reason) {
    bool stale = false;
    struct step_end ends = step_end_of(f, end, reason);
    OK(IN_TX(step_record(f->db, step, &ends, &stale, &f->error)));
    return !stale;
}

/* Claims the one step that is due and ends it. */
static struct step end_next(struct fixture *f, enum step_kind kind, enum step_state end, const char *reason) {
    struct claimed c = claim(f, 9);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.steps[0].kind, kind);
    assert_true(record(f, &c.steps[0], end, reason));
    return c.steps[0];
}

#define STATES "SELECT kind || ' ' || state FROM steps ORDER BY domain_id, rank, account_id, kind"
#define DOMAINS "SELECT name || ' ' || state || ' ' || active FROM domains ORDER BY id"
#define ACCOUNTS "SELECT email || ' ' || state || ' ' || active || ' ' || reason FROM accounts ORDER BY id"

static void a_domain_walks_to_ready(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "target.org");
    place(f, ORDER_DFY, &domain);
    end_next(f, STEP_REGISTER_DOMAIN, STEP_DONE, "");
    assert_string_equal(words_of(f, STATES), "register_domain done|publish_dns due|set_forwarding blocked"
                                             "|create_mailbox blocked|create_mailbox blocked");
    end_next(f, STEP_PUBLISH_DNS, STEP_DONE, "");
    struct claimed c = claim(f, 9);
    assert_int_equal(c.n, 3);
    for (size_t i = 0; i < c.n; i++) {
        assert_string_equal(words_of(f, DOMAINS), "one.com provisioning 1");
        assert_true(record(f, &c.steps[i], STEP_DONE, ""));
    }
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1");
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com ready 1 |b@one.com ready 1 ");
    assert_int_equal(claim(f, 9).n, 0);
    int64_t due;
    OK(step_next_due(f->db, &due, &f->error));
    assert_int_equal(due, INT64_C(365) * 86400000); /* its second year */
}

static void a_step_says_what_it_works_on(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "target.org");
    place(f, ORDER_DFY, &domain);
    struct step s = end_next(f, STEP_REGISTER_DOMAIN, STEP_DONE, "");
    assert_true(str_is(s.domain, "one.com"));
    assert_true(str_is(s.domain_id, domain.id));
    assert_true(str_is(s.workspace_id, WORKSPACE));
    assert_true(str_is(s.forwarding, "target.org"));
    assert_int_equal(s.account_id.n, 0);
    assert_int_equal(s.email.n, 0);
    assert_int_equal(s.provider, PROVIDER_GOOGLE);
    assert_int_equal(s.state, STEP_RUNNING);
    assert_int_equal(s.attempts, 1);
    assert_true(s.due_ms == f->now + 1000);
    assert_false(s.is_pre_warmed);
    end_next(f, STEP_PUBLISH_DNS, STEP_DONE, "");
    struct claimed c = claim(f, 9);
    const struct step *mailbox = c.steps[0].kind == STEP_CREATE_MAILBOX ? &c.steps[0] : &c.steps[1];
    assert_true(str_is(mailbox->email, "a@one.com"));
    assert_true(str_is(mailbox->account_id, domain.accounts[0].id));
    assert_true(str_is(mailbox->first_name, "Ada"));
    assert_true(str_is(mailbox->last_name, "Byron"));
    assert_true(str_eq(mailbox->sealed_password, STR("sealed\0bytes")));
}

static void a_refused_registration_fails_all(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "target.org");
    place(f, ORDER_DFY, &domain);
    end_next(f, STEP_REGISTER_DOMAIN, STEP_FAILED, "taken");
    assert_string_equal(words_of(f, STATES),
                        "register_domain failed|publish_dns skipped|set_forwarding skipped|create_mailbox skipped");
    assert_string_equal(words_of(f, "SELECT DISTINCT reason FROM steps"), "taken");
    assert_string_equal(words_of(f, DOMAINS), "one.com failed 0");
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com failed 0 taken");
    assert_int_equal(claim(f, 9).n, 0);
}

static void a_registered_domain_stays_held(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain);
    end_next(f, STEP_REGISTER_DOMAIN, STEP_DONE, "");
    end_next(f, STEP_PUBLISH_DNS, STEP_FAILED, "zone refused");
    assert_string_equal(words_of(f, DOMAINS), "one.com failed 1");
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com failed 0 zone refused");
    assert_string_equal(words_of(f, STATES), "register_domain done|publish_dns failed|create_mailbox skipped");
}

static void a_refused_mailbox_fails_alone(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 2, "");
    place(f, ORDER_DFY, &domain);
    end_next(f, STEP_REGISTER_DOMAIN, STEP_DONE, "");
    end_next(f, STEP_PUBLISH_DNS, STEP_DONE, "");
    struct claimed c = claim(f, 9);
    assert_int_equal(c.n, 2);
    assert_true(record(f, &c.steps[0], STEP_FAILED, "full"));
    assert_string_equal(words_of(f, DOMAINS), "one.com provisioning 1");
    assert_true(record(f, &c.steps[1], STEP_DONE, ""));
    assert_string_equal(words_of(f, DOMAINS), "one.com partial 1");
    assert_string_equal(words_of(f, ACCOUNTS), "a@one.com failed 0 full|b@one.com ready 1 ");
}

static void refused_forwarding_leaves_mail_working(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "warm.com", 1, "target.org");
    fixture_run(f, "INSERT INTO stock VALUES ('warm.com', 1, 1, NULL);"
                   "INSERT INTO stock_accounts VALUES ('warm.com', 'a', 0, 'Ada', 'Byron')");
    place(f, ORDER_PRE_WARMED_UP, &domain);
    struct claimed c = claim(f, 9);
    assert_int_equal(c.n, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(c.steps[i].is_pre_warmed);
        bool mailbox = c.steps[i].kind == STEP_CREATE_MAILBOX;
        assert_true(record(f, &c.steps[i], mailbox ? STEP_DONE : STEP_FAILED, mailbox ? "" : "no edge"));
    }
    assert_string_equal(words_of(f, DOMAINS), "warm.com partial 1");
    assert_string_equal(words_of(f, ACCOUNTS), "a@warm.com ready 1 ");
}

static void a_retried_step_comes_back(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain);
    end_next(f, STEP_REGISTER_DOMAIN, STEP_RETRYING, "silent");
    int64_t due;
    OK(step_next_due(f->db, &due, &f->error));
    assert_true(due == f->now + 500);
    assert_int_equal(claim(f, 9).n, 0);
    f->now += 500;
    struct claimed c = claim(f, 9);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.steps[0].attempts, 2);
    assert_true(str_is(c.steps[0].reason, "silent"));
    assert_true(record(f, &c.steps[0], STEP_DONE, "not kept"));
    assert_string_equal(words_of(f, "SELECT reason FROM steps WHERE kind = 'register_domain'"), "");
}

static void a_lost_lease_changes_nothing(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain);
    struct claimed first = claim(f, 9);
    assert_int_equal(claim(f, 9).n, 0); /* leased */
    f->now += 1000;
    struct claimed second = claim(f, 9); /* the lease ran out */
    assert_int_equal(second.n, 1);
    assert_int_equal(second.steps[0].attempts, 2);
    assert_false(record(f, &first.steps[0], STEP_FAILED, "too late"));
    assert_string_equal(words_of(f, DOMAINS), "one.com provisioning 1");
    assert_true(record(f, &second.steps[0], STEP_DONE, ""));
    assert_false(record(f, &second.steps[0], STEP_DONE, "")); /* once only */
    assert_false(record(f, &first.steps[0], STEP_FAILED, "too late"));
    assert_string_equal(words_of(f, STATES), "register_domain done|publish_dns due|create_mailbox blocked");
}

static void giving_up_leases_fences_their_holders(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain);
    struct claimed before = claim(f, 9);
    OK(IN_TX(step_free_all(f->db, f->now, &f->error)));
    assert_false(record(f, &before.steps[0], STEP_DONE, ""));
    struct claimed after = claim(f, 9);
    assert_int_equal(after.n, 1);
    assert_false(record(f, &before.steps[0], STEP_DONE, ""));
    assert_true(record(f, &after.steps[0], STEP_DONE, ""));
}

static void the_oldest_runs_first(void **state) {
    struct fixture *f = *state;
    static const char *const names[] = {"one.com", "two.com", "three.com"};
    for (size_t i = 0; i < 3; i++) {
        struct reserve_domain domain = make_domain(f, names[i], 1, "");
        place(f, ORDER_DFY, &domain);
        f->now += 10;
    }
    struct claimed c = claim(f, 2);
    assert_int_equal(c.n, 2);
    assert_true(str_is(c.steps[0].domain, "one.com"));
    assert_true(str_is(c.steps[1].domain, "two.com"));
    int64_t due;
    OK(step_next_due(f->db, &due, &f->error));
    assert_true(due == f->now - 10);
    c = claim(f, 2);
    assert_int_equal(c.n, 1);
    assert_true(str_is(c.steps[0].domain, "three.com"));
}

static void late_mailboxes_join_a_running_domain(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain);
    end_next(f, STEP_REGISTER_DOMAIN, STEP_DONE, "");
    struct reserve_domain extra = make_domain(f, "one.com", 1, "");
    extra.accounts[0].email = STR("z@one.com");
    place(f, ORDER_EXTRA_ACCOUNTS, &extra); /* not published yet: waits */
    end_next(f, STEP_PUBLISH_DNS, STEP_DONE, "");
    struct claimed c = claim(f, 9);
    assert_int_equal(c.n, 2);
    assert_true(record(f, &c.steps[0], STEP_DONE, ""));
    assert_true(record(f, &c.steps[1], STEP_DONE, ""));
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1");
    extra = make_domain(f, "one.com", 1, "");
    extra.accounts[0].email = STR("y@one.com");
    place(f, ORDER_EXTRA_ACCOUNTS, &extra); /* ready: starts at once */
    assert_string_equal(words_of(f, DOMAINS), "one.com provisioning 1");
    end_next(f, STEP_CREATE_MAILBOX, STEP_DONE, "");
    assert_string_equal(words_of(f, DOMAINS), "one.com ready 1");
}

static void lists_go_by_item_and_rank(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domains[] = {make_domain(f, "zzz.com", 1, ""), make_domain(f, "aaa.com", 1, "target.org")};
    struct reservation r = make_order(f, ORDER_DFY, domains, 2);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    struct step *steps;
    size_t n;
    OK(step_list(f->db, str_of(r.order_id), f->arena, &steps, &n, &f->error));
    static const struct {
        const char *domain;
        enum step_kind kind;
    } expected[] = {
        {"aaa.com", STEP_REGISTER_DOMAIN}, {"aaa.com", STEP_PUBLISH_DNS},     {"aaa.com", STEP_CREATE_MAILBOX},
        {"aaa.com", STEP_SET_FORWARDING},  {"zzz.com", STEP_REGISTER_DOMAIN}, {"zzz.com", STEP_PUBLISH_DNS},
        {"zzz.com", STEP_CREATE_MAILBOX},
    };
    assert_int_equal(n, ARRAY_LEN(expected));
    for (size_t i = 0; i < n; i++) {
        assert_true(str_is(steps[i].domain, expected[i].domain));
        assert_int_equal(steps[i].kind, expected[i].kind);
    }
    OK(step_list(f->db, STR("none"), f->arena, &steps, &n, &f->error));
    assert_int_equal(n, 0);
}

static void only_ends_can_be_recorded(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    place(f, ORDER_DFY, &domain);
    struct claimed c = claim(f, 9);
    bool stale;
    struct step_end end = step_end_of(f, STEP_SKIPPED, "no");
    FAILS(ERR_INTERNAL, IN_TX(step_record(f->db, c.steps, &end, &stale, &f->error)));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(a_domain_walks_to_ready),
        CASE(a_step_says_what_it_works_on),
        CASE(a_refused_registration_fails_all),
        CASE(a_registered_domain_stays_held),
        CASE(a_refused_mailbox_fails_alone),
        CASE(refused_forwarding_leaves_mail_working),
        CASE(a_retried_step_comes_back),
        CASE(a_lost_lease_changes_nothing),
        CASE(giving_up_leases_fences_their_holders),
        CASE(the_oldest_runs_first),
        CASE(late_mailboxes_join_a_running_domain),
        CASE(lists_go_by_item_and_rank),
        CASE(only_ends_can_be_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
