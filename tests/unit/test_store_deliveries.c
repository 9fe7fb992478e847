/* deliveries: which events reach which webhook, in which order, and who may say what became of them. */
#include "store/deliveries.h"

#include <pthread.h>
#include <time.h>

#include "store/events.h"
#include "store_fixture.h"

#define HOOK_A "01900000-0000-7000-8000-00000000000a"
#define HOOK_B "01900000-0000-7000-8000-00000000000b"

static void add_hook(struct fixture *f, const char *id, const char *workspace, const char *type) {
    struct webhook webhook = {.id = str_of(id),
                              .workspace_id = str_of(workspace),
                              .target = STR("https://example.com/"),
                              .event_type = {.is_set = type != NULL, .text = str_of(type)},
                              .created_ms = f->now};
    OK(IN_TX(webhook_add(f->db, &webhook, &f->error)));
}

static void happen(struct fixture *f, const char *workspace, enum event_type type, const char *domain) {
    const struct event event = {
        .workspace_id = str_of(workspace), .type = type, .domain = str_of(domain), .now_ms = f->now};
    OK(IN_TX(event_add(f->db, &event, &f->error)));
}

static int64_t due(struct fixture *f) {
    int64_t ms = 0;
    OK(delivery_next_due(f->db, &ms, &f->error));
    return ms;
}

static size_t hand_out(struct fixture *f, size_t max) {
    size_t n = 0;
    OK(IN_TX(delivery_hand_out(f->db, f->now, max, &n, &f->error)));
    return n;
}

static struct delivery_batch claim(struct fixture *f) {
    const struct delivery_claim claim = {.now_ms = f->now, .lease_until_ms = f->now + 1000, .max = 10};
    struct delivery_batch batch;
    OK(IN_TX(delivery_claim(f->db, &claim, f->arena, &batch, &f->error)));
    return batch;
}

/* "a b": the domains of a batch. */
static const char *domains_of(struct fixture *f, const struct delivery_batch *batch) {
    struct str all = STR("");
    for (size_t i = 0; i < batch->n; i++)
        all = arena_printf(f->arena, "%.*s%s%.*s", STR_ARG(all), i ? " " : "", STR_ARG(batch->deliveries[i].domain));
    return arena_cstr(f->arena, all);
}

static bool finish(struct fixture *f, const struct delivery_batch *batch, bool switch_off) {
    const struct delivery_record record = {
        .batch = batch, .switch_off = switch_off, .reason = STR("why"), .failures = 1, .now_ms = f->now};
    bool stale;
    OK(IN_TX(delivery_finish(f->db, &record, &stale, &f->error)));
    return !stale;
}

static void without_webhooks_nothing_is_due(void **state) {
    struct fixture *f = *state;
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "a");
    assert_int_equal(due(f), INT64_MAX);
    assert_int_equal(hand_out(f, 10), 0);
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    assert_int_equal(due(f), INT64_MAX); /* what was before is not told */
    assert_int_equal(hand_out(f, 10), 0);
}

static void each_gets_what_it_asked_for(void **state) {
    struct fixture *f = *state;
    add_hook(f, HOOK_A, WORKSPACE, "all_events");
    happen(f, WORKSPACE, EVENT_ORDER_PLACED, "");
    add_hook(f, HOOK_B, WORKSPACE, "dfy_domain_ready");
    happen(f, STRANGER, EVENT_DOMAIN_READY, "theirs");
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "a");
    happen(f, WORKSPACE, EVENT_ACCOUNT_READY, "a");
    assert_int_equal(due(f), 0);
    assert_int_equal(hand_out(f, 3), 3);
    assert_int_equal(hand_out(f, 3), 1);
    assert_int_equal(hand_out(f, 3), 0);
    assert_string_equal(words_of(f, "SELECT webhook_id || seq FROM deliveries ORDER BY 1"),
                        HOOK_A "1|" HOOK_A "3|" HOOK_A "4|" HOOK_B "3");
    assert_int_equal(due(f), f->now);
}

static void what_failed_holds_up_its_domain_only(void **state) {
    struct fixture *f = *state;
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    const char *const domains[] = {"a", "b", "a", "", ""};
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) happen(f, WORKSPACE, EVENT_ACCOUNT_READY, domains[i]);
    hand_out(f, 10);
    struct delivery_batch batch = claim(f);
    assert_string_equal(domains_of(f, &batch), "a b a  ");
    batch.deliveries[0].end = DELIVERY_FAILED;
    batch.deliveries[0].again_ms = f->now + 500;
    batch.deliveries[1].end = DELIVERY_DONE;
    batch.deliveries[3].end = DELIVERY_FAILED;
    batch.deliveries[3].again_ms = f->now + 400;
    assert_true(finish(f, &batch, false));
    assert_int_equal(due(f), f->now);
    batch = claim(f);
    assert_int_equal(batch.n, 1); /* the second of no domain, which waits for nobody */
    assert_int_equal(batch.deliveries[0].seq, 5);
    batch.deliveries[0].end = DELIVERY_DONE;
    assert_true(finish(f, &batch, false));
    assert_int_equal(due(f), f->now + 400);

    f->now += 500;
    batch = claim(f);
    assert_string_equal(domains_of(f, &batch), "a a ");
    assert_int_equal(batch.deliveries[0].attempts, 1);
    assert_int_equal(batch.deliveries[1].attempts, 0);
    for (size_t i = 0; i < batch.n; i++) batch.deliveries[i].end = DELIVERY_DONE;
    assert_true(finish(f, &batch, false));
    assert_int_equal(due(f), INT64_MAX);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM deliveries"), 0);
}

static void only_the_last_lease_counts(void **state) {
    struct fixture *f = *state;
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "a");
    hand_out(f, 10);
    struct delivery_batch first = claim(f);
    assert_int_equal(claim(f).webhook.id.n, 0);
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "b");
    hand_out(f, 10);
    assert_int_equal(claim(f).webhook.id.n, 0); /* news do not end a lease */
    f->now += 1000;
    struct delivery_batch second = claim(f);
    assert_string_equal(domains_of(f, &second), "a b");
    first.deliveries[0].end = DELIVERY_DONE;
    assert_false(finish(f, &first, true));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM deliveries"), 2);
    assert_true(finish(f, &second, false));

    struct delivery_batch third = claim(f);
    OK(IN_TX(delivery_free_all(f->db, f->now, &f->error)));
    assert_false(finish(f, &third, false));
    assert_int_equal(claim(f).n, 2);
    OK(IN_TX(webhook_remove(f->db, STR(HOOK_A), &f->error)));
    assert_false(finish(f, &third, false));
}

static void switched_off_it_keeps_what_happens(void **state) {
    struct fixture *f = *state;
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "a");
    hand_out(f, 10);
    struct delivery_batch batch = claim(f);
    batch.deliveries[0].end = DELIVERY_FAILED;
    batch.deliveries[0].again_ms = f->now + 86400000;
    assert_true(finish(f, &batch, true));
    assert_int_equal(due(f), INT64_MAX);
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "a");
    hand_out(f, 10);
    assert_int_equal(due(f), INT64_MAX);
    struct webhook webhook;
    OK(webhook_get(f->db, STR(WORKSPACE), STR(HOOK_A), f->arena, &webhook, &f->error));
    assert_false(webhook.is_active);
    assert_int_equal(webhook.error_ms, f->now);
    assert_true(str_is(webhook.reason, "why"));
    FAILS(ERR_NOT_FOUND, webhook_get(f->db, STR(STRANGER), STR(HOOK_A), f->arena, &webhook, &f->error));

    OK(IN_TX(webhook_resume(f->db, STR(HOOK_A), f->now, &f->error)));
    batch = claim(f);
    assert_string_equal(domains_of(f, &batch), "a a");
    assert_int_equal(batch.deliveries[0].attempts, 0);
}

static void a_dead_receiver_is_left_alone(void **state) {
    struct fixture *f = *state;
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "a");
    hand_out(f, 10);
    struct delivery_batch batch = claim(f);
    bool stale;
    const struct delivery_record record = {
        .batch = &batch, .failures = 3, .not_before_ms = f->now + 700, .reason = STR("dead"), .now_ms = f->now};
    OK(IN_TX(delivery_finish(f->db, &record, &stale, &f->error)));
    assert_int_equal(due(f), f->now + 700);
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "b");
    hand_out(f, 10);
    assert_int_equal(due(f), f->now + 700);
    OK(IN_TX(webhook_resume(f->db, STR(HOOK_A), f->now, &f->error)));
    assert_int_equal(due(f), f->now);
    assert_int_equal(claim(f).failures, 0);
}

static void old_events_are_forgotten_but_the_newest(void **state) {
    struct fixture *f = *state;
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    for (int i = 0; i < 5; i++) happen(f, WORKSPACE, EVENT_DOMAIN_READY, "a");
    hand_out(f, 10);
    size_t n = 0;
    OK(IN_TX(delivery_expire(f->db, f->now, 3, &n, &f->error)));
    assert_int_equal(n, 0);
    OK(IN_TX(delivery_expire(f->db, f->now + 1, 3, &n, &f->error)));
    assert_int_equal(n, 3);
    OK(IN_TX(delivery_expire(f->db, f->now + 1, 3, &n, &f->error)));
    assert_int_equal(n, 1);
    assert_string_equal(words_of(f, "SELECT seq FROM events"), "5");
    assert_string_equal(words_of(f, "SELECT seq FROM deliveries"), "5");
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "a");
    assert_int_equal(number_of(f, "SELECT MAX(seq) FROM events"), 6);
}

static void a_secret_is_made_once(void **state) {
    struct fixture *f = *state;
    struct str sealed;
    OK(webhook_secret_get(f->db, STR(WORKSPACE), f->arena, &sealed, &f->error));
    assert_int_equal(sealed.n, 0);
    OK(IN_TX(webhook_secret_put(f->db, STR(WORKSPACE), STR("one"), false, &f->error)));
    OK(IN_TX(webhook_secret_put(f->db, STR(WORKSPACE), STR("two"), false, &f->error)));
    OK(webhook_secret_get(f->db, STR(WORKSPACE), f->arena, &sealed, &f->error));
    assert_true(str_is(sealed, "one"));
    OK(IN_TX(webhook_secret_put(f->db, STR(WORKSPACE), STR("three"), true, &f->error)));
    OK(webhook_secret_get(f->db, STR(WORKSPACE), f->arena, &sealed, &f->error));
    assert_true(str_is(sealed, "three"));
}

/* ---- several nodes on PostgreSQL ---- */

/* The same on a connection of its own. */
static struct fixture *another(const struct fixture *f) {
    struct fixture *other = calloc(1, sizeof *other);
    assert_non_null(other);
    *other = *f;
    if (!db_open_postgres(f->url, 60000, &other->db, &other->error)) fixture_fail("connect", other->error.message);
    return other;
}

static void leave(struct fixture *other) {
    db_close(other->db);
    free(other);
}

static void a_smaller_number_that_comes_late_is_not_lost(void **state) {
    struct fixture *f = *state;
    if (!fixture_on_postgres()) skip();
    struct fixture *other = another(f);
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    const struct event early = {
        .workspace_id = STR(WORKSPACE), .type = EVENT_DOMAIN_READY, .domain = STR("early"), .now_ms = f->now};
    OK(fixture_begin(other) && event_add(other->db, &early, &f->error));
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM events"), 1); /* what was queued has its number */
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "late");
    assert_int_equal(hand_out(f, 10), 1);
    assert_int_equal(hand_out(f, 10), 0);
    OK(fixture_end(other, true));
    assert_int_equal(due(f), 0);
    assert_int_equal(hand_out(f, 10), 1);
    assert_string_equal(words_of(f, "SELECT domain FROM deliveries ORDER BY seq"), "early|late");
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM events_new"), 0);
    leave(other);
}

static void *hand_out_all(void *arg) {
    struct fixture *other = arg;
    size_t n = 0;
    bool ok =
        fixture_end(other, fixture_begin(other) && delivery_hand_out(other->db, other->now, 10, &n, &other->error));
    return ok && n == 1 ? other : NULL;
}

/* Until somebody waits for a row that this test holds. */
static void until_somebody_waits(struct fixture *f) {
    for (int i = 0; i < 3000; i++) {
        if (number_of(f, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted") > 0) return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("nobody waits");
}

/* Whoever lets go of a webhook does not see what is being handed out to it: who hands out sees that it was let go. */
static void what_is_handed_out_beside_an_end_is_woken_for(void **state) {
    struct fixture *f = *state;
    if (!fixture_on_postgres()) skip();
    struct fixture *other = another(f);
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "one");
    assert_int_equal(hand_out(f, 10), 1);
    struct delivery_batch batch = claim(f);
    assert_int_equal(batch.n, 1);
    batch.deliveries[0].end = DELIVERY_DONE;
    happen(f, WORKSPACE, EVENT_DOMAIN_READY, "two");
    const struct delivery_record record = {.batch = &batch, .reason = STR(""), .now_ms = f->now};
    bool stale;
    OK(fixture_begin(f) && delivery_finish(f->db, &record, &stale, &f->error));
    assert_false(stale);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hand_out_all, other), 0);
    until_somebody_waits(f);
    OK(fixture_end(f, true));
    void *done;
    pthread_join(thread, &done);
    if (!done) fixture_fail("hand_out", other->error.message);
    assert_true(due(f) <= f->now);
    batch = claim(f);
    assert_string_equal(domains_of(f, &batch), "two");
    leave(other);
}

/* PostgreSQL chooses by its statistics how it joins; what it chooses must not matter. */
static void no_plan_loses_an_event(void **state) {
    static const char *const plans[] = {
        "SET enable_hashjoin = on",
        "SET enable_hashjoin = off; SET enable_hashagg = off",
        "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_hashagg = off; SET enable_sort = off",
    };
    struct fixture *f = *state;
    if (!fixture_on_postgres()) skip();
    add_hook(f, HOOK_A, WORKSPACE, NULL);
    add_hook(f, HOOK_B, STRANGER, NULL);
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        fixture_run(f, plans[i]);
        for (int n = 0; n < 6; n++) happen(f, n % 3 ? WORKSPACE : STRANGER, EVENT_DOMAIN_READY, "a");
        assert_int_equal(hand_out(f, 10), 6);
        assert_int_equal(number_of(f, "SELECT COUNT(*) FROM deliveries"), 6 * (int64_t)(i + 1));
        assert_int_equal(number_of(f, "SELECT COUNT(*) FROM webhooks WHERE due_ms IS NOT NULL"), 2);
    }
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        TEST(without_webhooks_nothing_is_due),
        TEST(each_gets_what_it_asked_for),
        TEST(what_failed_holds_up_its_domain_only),
        TEST(only_the_last_lease_counts),
        TEST(switched_off_it_keeps_what_happens),
        TEST(a_dead_receiver_is_left_alone),
        TEST(old_events_are_forgotten_but_the_newest),
        TEST(a_secret_is_made_once),
        TEST(a_smaller_number_that_comes_late_is_not_lost),
        TEST(what_is_handed_out_beside_an_end_is_woken_for),
        TEST(no_plan_loses_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
