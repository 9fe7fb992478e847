/* The care for domains in use: when it begins and ends, leases, moves of keys, what checks find. */
#include "store/cancel.h"
#include "store/care.h"
#include "store/inventory.h"
#include "store_fixture.h"

#define DAY INT64_C(86400000)

static const struct care_times never;

static struct care_times times_of(const struct fixture *f) {
    return (struct care_times){.now_ms = f->now, .check_ms = DAY, .dkim_ms = 100 * DAY};
}

/* Places an order and does all its steps. */
static void sell(struct fixture *f, const char *name, enum order_type type) {
    struct reserve_domain domain = make_domain(f, name, 2, "");
    struct reservation r = make_order(f, type, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    struct step *steps;
    size_t n = 1;
    while (n) {
        OK(IN_TX(step_claim(f->db, f->now, f->now + 1000, 9, f->arena, &steps, &n, &f->error)));
        for (size_t i = 0; i < n; i++) {
            bool stale;
            struct step_end end = step_end_of(f, STEP_DONE, "");
            assert_int_equal(number_of(f, "SELECT COUNT(*) FROM domain_care"), 0);
            OK(IN_TX(step_record(f->db, &steps[i], &end, &stale, &f->error)));
        }
    }
}

struct claimed {
    struct care *all;
    size_t n;
};

static struct claimed claim(struct fixture *f) {
    struct claimed c;
    const struct care_times times = times_of(f);
    OK(IN_TX(care_claim(f->db, &times, f->now + 1000, 9, f->arena, &c.all, &c.n, &f->error)));
    return c;
}

static struct care claim_one(struct fixture *f) {
    struct claimed c = claim(f);
    assert_int_equal(c.n, 1);
    return c.all[0];
}

static bool move(struct fixture *f, const struct care *care, const char *reason) {
    const struct care_times times = times_of(f);
    const struct care_moved moved = {
        .is_made = !reason, .reason = str_of(reason), .again_ms = f->now + 500, .overlap_ms = 7 * DAY};
    bool stale = false;
    OK(IN_TX(care_record_move(f->db, care, &moved, &times, &stale, &f->error)));
    return !stale;
}

static bool check(struct fixture *f, const struct care *care, const struct finding *findings, size_t n,
                  const char *unclear) {
    const struct care_times times = times_of(f);
    const struct care_checked checked = {
        .findings = findings,
        .n = n,
        .is_unclear = unclear != NULL,
        .unclear_reason = str_of(unclear),
        .again_ms = f->now + 500,
        .tries_max = 3,
    };
    bool stale = false;
    OK(IN_TX(care_record_check(f->db, care, &checked, &times, &stale, &f->error)));
    return !stale;
}

static int64_t next_due(struct fixture *f) {
    int64_t due;
    OK(care_next_due(f->db, &due, &f->error));
    return due;
}

#define CARE                                                                                                           \
    "SELECT dkim_rotation || ' ' || dkim_phase || ' ' || CASE WHEN dkim_since_ms > 0 THEN 1 ELSE 0 END FROM "          \
    "domain_care"
#define EVENTS "SELECT type FROM events WHERE type LIKE '%drifted' OR type LIKE '%restored' ORDER BY seq"

static void it_begins_with_use_and_ends_with_cancellation(void **state) {
    struct fixture *f = *state;
    assert_int_equal(next_due(f), INT64_MAX);
    sell(f, "one.com", ORDER_DFY);
    assert_string_equal(words_of(f, CARE), "1 sole 1");
    assert_int_equal(claim(f).n, 0);
    assert_int_equal(next_due(f), f->now + DAY);
    f->now += DAY;
    struct care care = claim_one(f);
    assert_false(care.is_move);
    assert_true(str_is(care.domain, "one.com") && !care.check.is_checked);
    const struct str emails[] = {STR("a@one.com"), STR("b@one.com")};
    struct cancellation job = {
        .workspace_id = STR(WORKSPACE), .emails = emails, .n = 2, .audit_id = STR("x"), .now_ms = f->now};
    struct account_row *rows;
    size_t n;
    OK(IN_TX(cancel_accounts(f->db, &job, f->arena, &rows, &n, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM domain_care"), 0);
    assert_false(check(f, &care, NULL, 0, NULL));
    int64_t rotation;
    FAILS(ERR_CONFLICT, IN_TX(care_rotate(f->db, STR("one.com"), f->now, &rotation, &f->error)));
    assert_non_null(strstr(f->error.message, "is cancelled"));
}

static void a_lease_has_a_number(void **state) {
    struct fixture *f = *state;
    sell(f, "one.com", ORDER_DFY);
    f->now += DAY;
    struct care first = claim_one(f);
    assert_int_equal(claim(f).n, 0);
    assert_int_equal(next_due(f), f->now + 1000);
    bool stale;
    OK(IN_TX(care_extend(f->db, &first, f->now + 3000, &stale, &f->error)));
    assert_false(stale);
    f->now += 2000;
    assert_int_equal(claim(f).n, 0);
    f->now += 1000;
    struct care second = claim_one(f);
    assert_false(check(f, &first, NULL, 0, NULL));
    OK(IN_TX(care_extend(f->db, &first, f->now + 9000, &stale, &f->error)));
    assert_true(stale);
    assert_true(check(f, &second, NULL, 0, NULL));
    assert_int_equal(next_due(f), f->now + DAY);
    /* By name, as a command does. */
    struct care third;
    bool held;
    OK(IN_TX(care_claim_check(f->db, STR("one.com"), f->now, f->now + 1000, f->arena, &third, &held, &f->error)));
    assert_true(held);
    struct care fourth;
    OK(IN_TX(care_claim_check(f->db, STR("one.com"), f->now, f->now + 1000, f->arena, &fourth, &held, &f->error)));
    assert_false(held);
    const struct care_times times = times_of(f);
    OK(IN_TX(care_give_back(f->db, &third, &times, &f->error)));
    assert_int_equal(next_due(f), f->now + DAY);
    FAILS(ERR_NOT_FOUND,
          IN_TX(care_claim_check(f->db, STR("two.com"), f->now, f->now, f->arena, &third, &held, &f->error)));
    /* After a restart nobody holds anything, and other times may be set. */
    f->now += DAY;
    claim_one(f);
    OK(IN_TX(care_free_all(f->db, &times, &f->error)));
    assert_true(next_due(f) <= f->now);
    OK(IN_TX(care_free_all(f->db, &never, &f->error)));
    assert_int_equal(next_due(f), INT64_MAX);
}

static void a_rotation_makes_three_moves(void **state) {
    struct fixture *f = *state;
    sell(f, "one.com", ORDER_DFY);
    int64_t rotation;
    OK(IN_TX(care_rotate(f->db, STR("one.com"), f->now, &rotation, &f->error)));
    assert_int_equal(rotation, 2);
    FAILS(ERR_CONFLICT, IN_TX(care_rotate(f->db, STR("one.com"), f->now, &rotation, &f->error)));
    assert_non_null(strstr(f->error.message, "to key 2, which is announced"));
    /* What is begun is written down; what is not made is tried again, and says why. */
    struct care care = claim_one(f);
    assert_true(care.is_move && care.key.phase == DKIM_ANNOUNCED && care.key.rotation == 2);
    assert_string_equal(words_of(f, CARE), "2 announced 0");
    assert_true(move(f, &care, "the resolver does not see it"));
    assert_string_equal(words_of(f, "SELECT dkim_tries || dkim_reason FROM domain_care"),
                        "1the resolver does not see it");
    assert_int_equal(claim(f).n, 0);
    f->now += 500;
    care = claim_one(f);
    assert_int_equal(care.key.tries, 1);
    assert_true(move(f, &care, NULL));
    assert_string_equal(words_of(f, CARE), "2 announced 1");
    /* At once to the next. */
    care = claim_one(f);
    assert_string_equal(words_of(f, CARE), "2 signing 0");
    assert_true(move(f, &care, NULL));
    assert_false(move(f, &care, NULL));
    assert_string_equal(words_of(f, "SELECT dkim_tries || dkim_reason FROM domain_care"), "0");
    int64_t signing_ms = f->now;
    for (int day = 1; day < 7; day++) { /* checks in between leave it as it is */
        f->now += DAY;
        care = claim_one(f);
        assert_false(care.is_move);
        assert_true(check(f, &care, NULL, 0, NULL));
    }
    f->now = signing_ms + 7 * DAY;
    care = claim_one(f);
    assert_true(care.is_move && care.key.phase == DKIM_SOLE && care.key.rotation == 2);
    assert_true(move(f, &care, NULL));
    assert_string_equal(words_of(f, CARE), "2 sole 1");
    /* By age the next one. */
    f->now += 100 * DAY;
    care = claim_one(f);
    assert_true(care.is_move && care.key.phase == DKIM_ANNOUNCED && care.key.rotation == 3);
}

static void a_pre_warmed_domain_has_no_keys_of_ours(void **state) {
    struct fixture *f = *state;
    struct account accounts[] = {{STR("a"), STR("Ada"), STR("Byron")}, {STR("b"), STR("Ada"), STR("Byron")}};
    const struct stock stock = {
        .domain = STR("warm.com"), .provider = PROVIDER_GOOGLE, .accounts = accounts, .n_accounts = 2};
    OK(IN_TX(inventory_add(f->db, &stock, f->now, &f->error)));
    sell(f, "warm.com", ORDER_PRE_WARMED_UP);
    assert_string_equal(words_of(f, CARE), "0 sole 1");
    int64_t rotation;
    FAILS(ERR_CONFLICT, IN_TX(care_rotate(f->db, STR("warm.com"), f->now, &rotation, &f->error)));
    f->now += 200 * DAY;
    struct care care = claim_one(f);
    assert_false(care.is_move);
    assert_true(check(f, &care, NULL, 0, NULL));
    assert_int_equal(next_due(f), f->now + DAY);
}

static struct care checked_a_day_later(struct fixture *f) {
    f->now += DAY;
    return claim_one(f);
}

static void findings_are_told_when_they_change(void **state) {
    struct fixture *f = *state;
    struct finding found[2] = {
        {FINDING_RECORD, STR("MX one.com"), STR("10 mx."), STR("nothing"), STR("repair it")},
        {FINDING_MAILBOX, STR("b@one.com"), STR("it works"), STR("no answer after 5 s"), STR("")},
    };
    sell(f, "one.com", ORDER_DFY);
    struct care care = checked_a_day_later(f);
    assert_true(check(f, &care, NULL, 0, NULL));
    assert_string_equal(words_of(f, EVENTS), "");
    care = checked_a_day_later(f);
    assert_true(check(f, &care, found, 2, NULL));
    assert_string_equal(words_of(f, EVENTS), "dfy_domain_drifted");
    const char *payload = words_of(f, "SELECT payload FROM events WHERE type = 'dfy_domain_drifted'");
    assert_non_null(strstr(payload, "\"domain\":\"one.com\""));
    assert_non_null(strstr(payload, "{\"what\":\"MX one.com\",\"wanted\":\"10 mx.\",\"seen\":\"nothing\",\"mend\":\""));
    assert_non_null(strstr(payload, "\"more\":0}"));
    /* The same in other words is no news; less of it is. */
    care = checked_a_day_later(f);
    found[1].seen = STR("no answer after 6 s");
    assert_true(check(f, &care, found, 2, NULL));
    assert_string_equal(words_of(f, EVENTS), "dfy_domain_drifted");
    care = checked_a_day_later(f);
    assert_true(check(f, &care, found, 1, NULL));
    assert_string_equal(words_of(f, EVENTS), "dfy_domain_drifted|dfy_domain_drifted");
    care = checked_a_day_later(f);
    assert_true(check(f, &care, NULL, 0, NULL));
    assert_string_equal(words_of(f, EVENTS), "dfy_domain_drifted|dfy_domain_drifted|dfy_domain_restored");
}

static void an_unclear_check_is_tried_again_first(void **state) {
    struct fixture *f = *state;
    const struct finding unclear = {FINDING_UNCLEAR, STR("the resolver"), STR("an answer"), STR("none"), STR("")};
    sell(f, "one.com", ORDER_DFY);
    struct care care = checked_a_day_later(f);
    int64_t since_ms = f->now;
    for (int tries = 0; tries < 2; tries++) {
        assert_int_equal(care.check.tries, tries);
        assert_true(check(f, &care, &unclear, 1, "the resolver is silent"));
        assert_string_equal(words_of(f, EVENTS), "");
        assert_int_equal(next_due(f), f->now + 500);
        assert_int_equal(number_of(f, "SELECT findings IS NULL FROM domain_care"), 1);
        f->now += 500;
        care = claim_one(f);
    }
    assert_int_equal(care.check.unclear_since_ms, since_ms);
    assert_true(check(f, &care, &unclear, 1, "the resolver is silent"));
    assert_string_equal(words_of(f, EVENTS), ""); /* the operator's matter */
    assert_int_equal(number_of(f, "SELECT findings LIKE 'unclear%the resolver%' FROM domain_care"), 1);
    assert_int_equal(next_due(f), f->now + DAY);
    care = checked_a_day_later(f);
    assert_true(care.check.unclear_since_ms == since_ms && care.check.tries == 0);
    assert_true(check(f, &care, NULL, 0, NULL));
    assert_string_equal(words_of(f, EVENTS), "");
    assert_int_equal(number_of(f, "SELECT unclear_since_ms FROM domain_care"), 0);
}

static void what_is_certain_is_told_at_once_and_stands_until_it_is_looked_at_again(void **state) {
    struct fixture *f = *state;
    const struct finding unclear = {FINDING_UNCLEAR, STR("a@one.com"), STR("an answer"), STR("none"), STR("")};
    const struct finding record = {FINDING_RECORD, STR("MX one.com"), STR("10 mx."), STR("nothing"), STR("")};
    const struct finding both[] = {record, unclear};
    sell(f, "one.com", ORDER_DFY);
    struct care care = checked_a_day_later(f);
    assert_true(check(f, &care, both, 2, "the mail host is silent"));
    assert_string_equal(words_of(f, EVENTS), "dfy_domain_drifted");
    assert_int_equal(next_due(f), f->now + 500);
    for (int tries = 1; tries < 3; tries++) {
        f->now += 500;
        care = claim_one(f);
        assert_true(check(f, &care, &unclear, 1, "nobody answers"));
    }
    assert_string_equal(words_of(f, EVENTS), "dfy_domain_drifted");
    assert_int_equal(number_of(f, "SELECT findings LIKE '%MX one.com%' FROM domain_care"), 1);
    care = checked_a_day_later(f);
    assert_true(check(f, &care, NULL, 0, NULL));
    assert_string_equal(words_of(f, EVENTS), "dfy_domain_drifted|dfy_domain_restored");
    assert_int_equal(number_of(f, "SELECT findings = '' FROM domain_care"), 1);
}

static void what_dfyd_changes_itself_is_no_finding(void **state) {
    struct fixture *f = *state;
    const struct finding mailbox = {FINDING_MAILBOX, STR("a@one.com"), STR("it works"), STR("closed"), STR("")};
    const struct finding record = {FINDING_RECORD, STR("MX one.com"), STR("10 mx."), STR("nothing"), STR("")};
    sell(f, "one.com", ORDER_DFY);
    struct care_subjects subjects;
    struct care care = checked_a_day_later(f);
    OK(care_subjects(f->db, care.domain_id, f->arena, &subjects, &f->error));
    assert_int_equal(subjects.n_mailboxes, 2);
    assert_true(str_is(subjects.mailboxes[0].email, "a@one.com") && !subjects.mail_is_busy && !subjects.web_is_busy);
    /* Suspended while it was looked at. */
    fixture_run(f, "UPDATE accounts SET suspended_ms = 5 WHERE email = 'a@one.com'");
    assert_true(check(f, &care, &mailbox, 1, NULL));
    assert_string_equal(words_of(f, EVENTS), "");
    assert_int_equal(number_of(f, "SELECT findings = '' FROM domain_care"), 1);
    /* Its records are just being published. */
    care = checked_a_day_later(f);
    OK(care_subjects(f->db, care.domain_id, f->arena, &subjects, &f->error));
    assert_int_equal(subjects.n_mailboxes, 1);
    fixture_run(f, "UPDATE steps SET state = 'due' WHERE kind = 'publish_dns'");
    assert_true(check(f, &care, &record, 1, NULL));
    assert_string_equal(words_of(f, EVENTS), "");
    assert_string_equal(words_of(f, "SELECT unclear_reason FROM domain_care"), "its records were being changed");
    fixture_run(f, "UPDATE steps SET state = 'done' WHERE kind = 'publish_dns'");
    f->now += 500;
    care = claim_one(f);
    assert_true(check(f, &care, &record, 1, NULL));
    assert_string_equal(words_of(f, EVENTS), "dfy_domain_drifted");
}

static void an_event_has_room_for_some(void **state) {
    struct fixture *f = *state;
    enum { MANY = 60, LONG = 2000 };
    struct finding *found = ARENA_ARRAY(f->arena, MANY, struct finding);
    char *text = arena_alloc(f->arena, LONG);
    for (int i = 0; i < LONG; i++) text[i] = "\xc3\xa9"[i % 2];
    for (int i = 0; i < MANY; i++)
        found[i] = (struct finding){
            FINDING_RECORD, arena_printf(f->arena, "TXT %d\"\"", i), {text, LONG}, {text + 1, 0}, {text, LONG}};
    sell(f, "one.com", ORDER_DFY);
    struct care care = checked_a_day_later(f);
    assert_true(check(f, &care, found, MANY, NULL));
    int64_t told = number_of(f, "SELECT json_array_length(payload, '$.findings') FROM events"
                                " WHERE type = 'dfy_domain_drifted'");
    assert_true(told >= 3);
    assert_int_equal(number_of(f, "SELECT json_extract(payload, '$.more') FROM events"
                                  " WHERE type = 'dfy_domain_drifted'"),
                     MANY - told);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        TEST(it_begins_with_use_and_ends_with_cancellation),
        TEST(a_lease_has_a_number),
        TEST(a_rotation_makes_three_moves),
        TEST(a_pre_warmed_domain_has_no_keys_of_ours),
        TEST(findings_are_told_when_they_change),
        TEST(an_unclear_check_is_tried_again_first),
        TEST(what_is_certain_is_told_at_once_and_stands_until_it_is_looked_at_again),
        TEST(what_dfyd_changes_itself_is_no_finding),
        TEST(an_event_has_room_for_some),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
