/* deliver: when deliveries are tried again, when a webhook is switched off, and what is sent. */
#include "step/deliver.h"

#include <sodium.h>

#include "base/log.h"
#include "driver/hook/hook.h"
#include "store/events.h"
#include "store_fixture.h"

#define HOOK "01900000-0000-7000-8000-00000000000a"

/* A receiver that does as it is told, and remembers. */
struct receiver {
    struct hook base;
    enum outcome outcome;
    const char *broken_domain; /* fails whatever the outcome is; NULL: none */
    int64_t takes_ms;
    struct fixture *f;
    size_t n;
    struct str bodies[64], ids[64], signatures[64];
    int64_t at_ms[64];
};

static struct str header_of(const struct hook_post *post, const char *name, struct arena *arena) {
    for (size_t i = 0; i < post->n_headers; i++)
        if (str_is(post->headers[i].name, name)) return arena_str(arena, post->headers[i].value);
    return STR("");
}

static enum outcome receive(struct hook *hook, const struct hook_post *post, struct hook_answer *ret) {
    struct receiver *r = (struct receiver *)hook;
    assert_true(r->n < ARRAY_LEN(r->bodies));
    r->bodies[r->n] = arena_str(r->f->arena, post->body);
    r->ids[r->n] = header_of(post, "X-Dfyd-Event-Id", r->f->arena);
    r->signatures[r->n] = header_of(post, "X-Dfyd-Signature", r->f->arena);
    r->at_ms[r->n++] = clock_now(&r->f->clock);
    r->f->clock.manual_ms += r->takes_ms;
    bool is_broken = r->broken_domain && str_contains(post->body, r->broken_domain);
    if (r->outcome == OUTCOME_DONE && !is_broken) return OUTCOME_DONE;
    return answer_set(&ret->answer, r->outcome == OUTCOME_DONE ? OUTCOME_UNKNOWN : r->outcome, "no");
}

struct setting {
    struct fixture *f;
    struct receiver receiver;
    struct drivers drivers;
    struct vault vault;
    struct world world;
};

static bool put_secret(struct db *db, void *arg, struct error *reterr) {
    struct setting *s = arg;
    struct str sealed = vault_seal(&s->vault, &s->f->rng, STR("whsec_1"), s->f->arena);
    const struct webhook webhook = {
        .id = STR(HOOK), .workspace_id = STR(WORKSPACE), .target = STR("https://example.com/"), .created_ms = 1};
    return webhook_secret_put(db, STR(WORKSPACE), sealed, false, reterr) && webhook_add(db, &webhook, reterr);
}

static void set_up(struct fixture *f, struct setting *s) {
    static const struct hook_ops ops = {.name = "double", .post = receive};
    *s = (struct setting){.f = f, .receiver = {.base = {&ops}, .f = f}};
    s->drivers.hook = &s->receiver.base;
    vault_init(&s->vault, &f->rng);
    s->world = (struct world){.clock = &f->clock,
                              .rng = &f->rng,
                              .ids = &f->ids,
                              .store = fixture_store(f),
                              .drivers = &s->drivers,
                              .vault = &s->vault,
                              .hook_retry_ms = 2000,
                              .hook_tries = 9};
    OK(store_write(s->world.store, put_secret, s, &f->error));
}

static bool one_event(struct db *db, void *arg, struct error *reterr) {
    const struct event *event = arg;
    return event_add(db, event, reterr);
}

static void happen(struct setting *s, const char *domain) {
    struct fixture *f = s->f;
    struct event event = {.workspace_id = STR(WORKSPACE),
                          .type = EVENT_DOMAIN_READY,
                          .domain = str_of(domain),
                          .now_ms = clock_now(&f->clock)};
    OK(store_write(s->world.store, one_event, &event, &f->error));
}

static bool read_due(struct db *db, void *arg, struct error *reterr) {
    return delivery_next_due(db, arg, reterr);
}

/* Works until nothing is left, or UNTIL_MS; the clock jumps to what is due. */
static void work(struct setting *s, int64_t until_ms) {
    struct fixture *f = s->f;
    for (int rounds = 0; rounds < 500; rounds++) {
        int64_t due;
        size_t n;
        OK(store_read(s->world.store, read_due, &due, &f->error));
        if (due > until_ms) return;
        if (due > f->clock.manual_ms) f->clock.manual_ms = due;
        OK(deliver_due(&s->world, &n, &f->error));
    }
    fail_msg("it never ends");
}

static bool is_active(struct setting *s) {
    return str_is(str_of(words_of(s->f, "SELECT status FROM webhooks")), "1");
}

static void a_delivery_is_tried_nine_times(void **state) {
    struct fixture *f = *state;
    struct setting s;
    set_up(f, &s);
    s.receiver.outcome = OUTCOME_UNKNOWN;
    s.receiver.takes_ms = 10000;
    happen(&s, "a.com");
    work(&s, INT64_MAX - 1);
    assert_int_equal(s.receiver.n, 9);
    static const int64_t waits_s[] = {2, 5, 60, 300, 1800, 7200, 28800, 86400};
    for (size_t i = 0; i + 1 < s.receiver.n; i++) {
        int64_t waited = s.receiver.at_ms[i + 1] - s.receiver.at_ms[i] - 10000;
        assert_in_range(waited, waits_s[i] * 1000, waits_s[i] * 1000 + 60000);
        assert_true(str_eq(s.receiver.ids[i], s.receiver.ids[i + 1]));
    }
    assert_true(s.receiver.at_ms[2] - s.receiver.at_ms[0] <= 30000);
    assert_false(is_active(&s));
    store_close(s.world.store);
}

static void a_healthy_receiver_gets_all_in_order(void **state) {
    struct fixture *f = *state;
    struct setting s;
    set_up(f, &s);
    for (int i = 0; i < 40; i++) happen(&s, i % 2 ? "a.com" : "b.com");
    work(&s, INT64_MAX - 1);
    assert_int_equal(s.receiver.n, 40);
    for (size_t i = 0; i < 40; i++) assert_true(str_contains(s.receiver.bodies[i], i % 2 ? "a.com" : "b.com"));
    store_close(s.world.store);
}

static void one_bad_domain_does_not_hold_up_others(void **state) {
    struct fixture *f = *state;
    struct setting s;
    set_up(f, &s);
    s.receiver.broken_domain = "a.com";
    for (int i = 0; i < 10; i++) happen(&s, i % 2 ? "a.com" : "b.com");
    work(&s, f->clock.manual_ms);
    assert_int_equal(s.receiver.n, 6); /* the first of a.com, and all of b.com */
    s.receiver.broken_domain = NULL;
    work(&s, INT64_MAX - 1);
    assert_int_equal(s.receiver.n, 11);
    assert_true(is_active(&s));
    store_close(s.world.store);
}

static void a_dead_receiver_is_asked_seldom(void **state) {
    struct fixture *f = *state;
    struct setting s;
    set_up(f, &s);
    s.receiver.outcome = OUTCOME_REFUSED;
    char domain[16];
    for (int i = 0; i < 60; i++) {
        snprintf(domain, sizeof domain, "d%d.com", i);
        happen(&s, domain);
    }
    work(&s, f->clock.manual_ms + 60000);
    assert_in_range(s.receiver.n, 4, 8); /* and not 180 */
    assert_true(is_active(&s));
    s.receiver.outcome = OUTCOME_DONE;
    size_t before = s.receiver.n;
    s.receiver.n = 0;
    work(&s, INT64_MAX - 1);
    assert_int_equal(s.receiver.n, 60);
    assert_true(before > 0);
    store_close(s.world.store);
}

static void what_is_sent_is_signed(void **state) {
    struct fixture *f = *state;
    struct setting s;
    set_up(f, &s);
    f->clock.manual_ms = 1790000000500;
    happen(&s, "a.com");
    work(&s, INT64_MAX - 1);
    struct str body = s.receiver.bodies[0], signature = s.receiver.signatures[0];
    assert_true(str_starts(body, "{\"timestamp\":\"2026-09-21T14:13:20.500Z\",\"event_type\":\"dfy_domain_ready\","
                                 "\"event_id\":\""));
    assert_true(
        str_contains(body, "\"workspace\":\"" WORKSPACE "\",\"organization\":\"" WORKSPACE "\",\"domain\":\"a.com\"}"));
    assert_true(uuid_is_valid(s.receiver.ids[0]));
    assert_true(str_contains(body, arena_cstr(f->arena, s.receiver.ids[0])));

    struct str signed_text = arena_printf(f->arena, "1790000000.%.*s", STR_ARG(body));
    unsigned char hash[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_auth_hmacsha256_state hmac;
    crypto_auth_hmacsha256_init(&hmac, (const unsigned char *)"whsec_1", 7);
    crypto_auth_hmacsha256_update(&hmac, (const unsigned char *)signed_text.p, signed_text.n);
    crypto_auth_hmacsha256_final(&hmac, hash);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    assert_true(str_eq(signature, arena_printf(f->arena, "t=1790000000,v1=%s", hex)));
    store_close(s.world.store);
}

/* A wrong key can be mended: nothing is sent and nothing is lost. */
static void what_cannot_be_opened_waits(void **state) {
    struct fixture *f = *state;
    struct setting s;
    set_up(f, &s);
    struct vault right = s.vault;
    vault_init(&s.vault, &f->rng);
    happen(&s, "a.com");
    work(&s, f->clock.manual_ms + 3600000);
    assert_int_equal(s.receiver.n, 0);
    assert_true(is_active(&s));
    s.vault = right;
    work(&s, INT64_MAX - 1);
    assert_int_equal(s.receiver.n, 1);
    store_close(s.world.store);
}

int main(void) {
    if (sodium_init() < 0) return 1;
    log_set_level(LOG_OFF);
#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        TEST(a_delivery_is_tried_nine_times),
        TEST(a_healthy_receiver_gets_all_in_order),
        TEST(one_bad_domain_does_not_hold_up_others),
        TEST(a_dead_receiver_is_asked_seldom),
        TEST(what_is_sent_is_signed),
        TEST(what_cannot_be_opened_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
