/* stripe: what its answers mean (cases/stripe.txt), forms, tokens, signatures and notices, without Stripe. */
#include "driver/payment/stripe.h"

#include <sodium.h>

#include "cases.h"
#include "driver/payment/stripe/inside.h"

#define SECRET "whsec_1"
#define KEY "01900000-0000-7000-8000-00000000000a"
#define NOW_MS INT64_C(1700000000500)

static struct stripe_reply read_reply(struct arena *arena, int status, struct str head, struct str body) {
    struct web_reply web = {.status = status, .head = head, .body = body, .reason = "Timeout was reached"};
    struct stripe_reply reply;
    stripe_reply_read(status ? WEB_ANSWERED : WEB_FAILED, &web, arena, &reply);
    return reply;
}

/* What a call that charges does with an answer which is no success. */
static enum outcome judge(const struct stripe_reply *reply, struct payment_answer *answer) {
    if (stripe_is_decline(reply)) return stripe_declined(reply->decline_code, reply->code, answer);
    if (reply->kind == STRIPE_OBJECT) return OUTCOME_DONE;
    if (stripe_is_hopeless(reply)) return OUTCOME_REFUSED;
    return stripe_unclear(reply, &answer->answer);
}

static void answers_mean_what_the_list_says(void **state) {
    (void)state;
    static const char *const outcomes[] = {"done", "refused", "unknown"};
    struct arena *arena = arena_create(4096);
    size_t n;
    const struct case_line *rows = cases_rows("stripe.txt", arena, &n);
    for (size_t i = 0; i < n; i++) {
        const struct case_line *row = &rows[i];
        int64_t status = 0;
        if (row->n_cells < 5 || !str_to_int(row->cells[0], 0, 599, &status)) CASE_FAIL(row, "is no case");
        struct str type = str_is(row->cells[1], "json") ? STR("application/json") : row->cells[1];
        struct str head =
            arena_printf(arena, "HTTP/1.1 1\r\ncontent-type: %.*s\r\nRequest-Id: req_1\r\n", STR_ARG(type));
        struct stripe_reply reply = read_reply(arena, (int)status, head, cases_text(row->cells[2], arena));
        struct payment_answer answer = {0};
        struct str outcome = str_of(outcomes[judge(&reply, &answer)]);
        const char *decline = decline_names[answer.decline];
        struct str reason = str_of(answer.answer.reason);
        if (!str_eq(outcome, row->cells[3])) CASE_FAIL(row, "is %s: %s", outcome.p, reason.p);
        if (!str_is(row->cells[4], decline ? decline : "-")) CASE_FAIL(row, "decline is %s", decline ? decline : "-");
        struct str part = row->n_cells > 5 ? row->cells[5] : STR("");
        bool is_whole = str_starts(part, "= ");
        if (is_whole ? !str_eq(reason, (struct str){part.p + 2, part.n - 2})
                     : !str_contains(reason, arena_cstr(arena, part)))
            CASE_FAIL(row, "reason is: %s", reason.p);
        if (str_contains(reason, "sk_")) CASE_FAIL(row, "tells a secret: %s", reason.p);
    }
    assert_true(n > 50);
    arena_destroy(arena);
}

static void headers_are_found_in_any_case(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct stripe_reply reply = read_reply(
        arena, 429, STR("Content-Type: application/json\r\nidempotent-replayed: true\r\nRETRY-AFTER:  7 \r\n"),
        STR("{\"error\":{}}"));
    struct answer answer = {0};
    assert_true(reply.is_replayed);
    assert_int_equal(stripe_unclear(&reply, &answer), OUTCOME_UNKNOWN);
    assert_int_equal(answer.retry_after_ms, 7000);
    reply =
        read_reply(arena, 429, STR("Content-Type: application/json\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n"),
                   STR("{\"error\":{}}"));
    assert_false(reply.is_replayed);
    assert_int_equal(reply.retry_after_ms, 0);
    arena_destroy(arena);
}

static void forms_are_encoded(void **state) {
    (void)state;
    struct form form;
    form_init(&form);
    form_text(&form, "metadata[dfyd_key]", STR("a b&c=d+e%\n\"\xc3\xa9~-._"));
    form_int(&form, "amount", 12345);
    form_text(&form, "empty", STR(""));
    assert_true(
        str_is(form_str(&form), "metadata%5Bdfyd_key%5D=a%20b%26c%3Dd%2Be%25%0A%22%C3%A9~-._&amount=12345&empty="));
    static char long_text[FORM_MAX_BYTES];
    memset(long_text, 'x', sizeof long_text);
    form_text(&form, "long", (struct str){long_text, sizeof long_text});
    assert_int_equal(form_str(&form).n, 0);
    form_finish(&form);
}

static void tokens_are_read(void **state) {
    (void)state;
    struct stripe_token t;
    assert_true(stripe_token_read(STR("pm_1"), &t));
    assert_true(str_is(t.method, "pm_1") && !t.customer.n);
    assert_true(stripe_token_read(STR("cus_A1/pm_1"), &t));
    assert_true(str_is(t.method, "pm_1") && str_is(t.customer, "cus_A1"));
    static const char *const bad[] = {"",
                                      "pm_",
                                      "cus_1",
                                      "tok_visa",
                                      "cus_1/",
                                      "/pm_1",
                                      "cus_1/pm_1/",
                                      "pm_1/cus_1",
                                      "cus_1/pm_1?a=b",
                                      "pm_1 ",
                                      "cus_1/pm_..",
                                      "4242424242424242"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (stripe_token_read(str_of(bad[i]), &t)) fail_msg("a token: %s", bad[i]);
}

static void a_card_is_cut_between_characters(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct str name = arena_printf(arena, "%099d\xc3\xa9", 0);
    struct str body =
        arena_printf(arena,
                     "{\"id\":\"pm_1\",\"type\":\"card\",\"card\":{\"brand\":\"visa\",\"last4\":\"4242\"},"
                     "\"billing_details\":{\"name\":\"%.*s\"}}",
                     STR_ARG(name));
    struct stripe_reply reply = read_reply(arena, 200, STR("Content-Type: application/json\r\n"), body);
    struct card_facts card;
    assert_true(stripe_card_read(reply.object, STR("cus_1"), &card));
    assert_string_equal(card.token, "cus_1/pm_1");
    assert_string_equal(card.brand, "visa");
    assert_string_equal(card.last4, "4242");
    assert_int_equal(strlen(card.name), 99);
    assert_true(stripe_card_read(reply.object, STR(""), &card));
    assert_string_equal(card.token, "");
    assert_false(stripe_card_read(NULL, STR("cus_1"), &card));
    arena_destroy(arena);
}

static void settings_are_judged(void **state) {
    (void)state;
    const struct stripe_config good = {.url = "https://api.stripe.com", .key = "sk_test_1", .webhook_secret = ""};
    struct stripe_config c = good;
    assert_null(stripe_config_fault(&c));
    c.url = "http://127.0.0.1:12111";
    c.key = "rk_live_1";
    c.webhook_secret = SECRET;
    assert_null(stripe_config_fault(&c));
    c = good, c.url = "http://api.stripe.com";
    assert_non_null(stripe_config_fault(&c));
    c = good, c.url = "api.stripe.com";
    assert_non_null(stripe_config_fault(&c));
    c = good, c.key = "pk_test_1";
    assert_non_null(stripe_config_fault(&c));
    c = good, c.key = "sk_test_1\r\nX: y";
    assert_non_null(stripe_config_fault(&c));
    c = good, c.webhook_secret = "we_1";
    assert_non_null(stripe_config_fault(&c));
}

/* ---- notices ---- */

static struct str mac_of(struct arena *arena, const char *secret, const char *stamp, struct str body) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof mac + 1];
    struct str text = arena_printf(arena, "%s.%.*s", stamp, STR_ARG(body));
    crypto_auth_hmacsha256_state hash;
    crypto_auth_hmacsha256_init(&hash, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&hash, (const unsigned char *)text.p, text.n);
    crypto_auth_hmacsha256_final(&hash, mac);
    return arena_str(arena, str_of(sodium_bin2hex(hex, sizeof hex, mac, sizeof mac)));
}

static enum outcome check(struct str header, struct str body) {
    struct answer answer = {0};
    enum outcome outcome = stripe_signature_check(header, STR(SECRET), body, NOW_MS, &answer);
    if ((outcome == OUTCOME_REFUSED) != (answer.reason[0] != '\0')) fail_msg("%s", answer.reason);
    return outcome;
}

static void signatures_are_checked(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct str body = STR("{\"id\":\"evt_1\"}");
    struct str good = mac_of(arena, SECRET, "1700000000", body), other = mac_of(arena, "whsec_2", "1700000000", body);
#define HEADER(...) arena_printf(arena, __VA_ARGS__)
    assert_int_equal(check(HEADER("t=1700000000,v1=%s", good.p), body), OUTCOME_DONE);
    assert_int_equal(check(HEADER("t=1700000000, v1=%s", good.p), body), OUTCOME_DONE);
    assert_int_equal(check(HEADER("t=1700000000,v1=%s,v1=%s,v0=00", other.p, good.p), body), OUTCOME_DONE);
    assert_int_equal(check(HEADER("v1=%s,t=1700000000", good.p), body), OUTCOME_DONE);
    assert_int_equal(check(HEADER("t=1700000000,v1=%s", other.p), body), OUTCOME_REFUSED);
    assert_int_equal(check(HEADER("t=1700000000,v0=%s", good.p), body), OUTCOME_REFUSED);
    assert_int_equal(check(HEADER("t=1700000001,v1=%s", good.p), body), OUTCOME_REFUSED);
    assert_int_equal(check(HEADER("t=1700000000,v1=%.63s", good.p), body), OUTCOME_REFUSED);
    assert_int_equal(check(HEADER("t=1700000000,v1=%s0", good.p), body), OUTCOME_REFUSED);
    assert_int_equal(check(HEADER("t=,v1=%s", good.p), body), OUTCOME_REFUSED);
    assert_int_equal(check(HEADER("t=x,v1=%s", mac_of(arena, SECRET, "x", body).p), body), OUTCOME_REFUSED);
    assert_int_equal(check(HEADER("v1=%s", good.p), body), OUTCOME_REFUSED);
    assert_int_equal(check(STR("t=1700000000"), body), OUTCOME_REFUSED);
    assert_int_equal(check(STR(""), body), OUTCOME_REFUSED);
    assert_int_equal(check(HEADER("t=1700000000,v1=%s", good.p), STR("{\"id\":\"evt_2\"}")), OUTCOME_REFUSED);
    static const struct {
        const char *stamp;
        enum outcome outcome;
    } times[] = {{"1699999700", OUTCOME_DONE},
                 {"1699999699", OUTCOME_REFUSED},
                 {"1700000300", OUTCOME_DONE},
                 {"1700000301", OUTCOME_REFUSED}};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct str mac = mac_of(arena, SECRET, times[i].stamp, body);
        assert_int_equal(check(HEADER("t=%s,v1=%s", times[i].stamp, mac.p), body), times[i].outcome);
    }
    arena_destroy(arena);
}

static struct str header_of(void *arg, const char *name) {
    assert_string_equal(name, "Stripe-Signature");
    return *(struct str *)arg;
}

static enum outcome read_event(struct payment *p, const char *text, struct payment_event *ret) {
    struct arena *arena = arena_create(4096);
    struct str body = str_of(text);
    struct str header = arena_printf(arena, "t=1700000000,v1=%s", mac_of(arena, SECRET, "1700000000", body).p);
    enum outcome outcome = payment_read_event(p, header_of, &header, body, NOW_MS, ret, NULL);
    arena_destroy(arena);
    return outcome;
}

#define EVENT(type, object)                                                                                            \
    "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"" type "\",\"data\":{\"object\":" object "}}"

static void notices_name_a_charge(void **state) {
    (void)state;
    struct clock clock = clock_manual(NOW_MS);
    struct payment *p = payment_stripe_create(&(struct stripe_config){
        .clock = &clock, .url = "http://127.0.0.1:1", .key = "sk_test_1", .webhook_secret = SECRET});
    struct payment_event event;
    assert_int_equal(
        read_event(p, EVENT("checkout.session.completed", "{\"client_reference_id\":\"" KEY "\"}"), &event),
        OUTCOME_DONE);
    assert_string_equal(event.id, "evt_1");
    assert_string_equal(event.key, KEY);
    assert_int_equal(
        read_event(p, EVENT("checkout.session.expired", "{\"metadata\":{\"dfyd_key\":\"" KEY "\"}}"), &event),
        OUTCOME_DONE);
    assert_string_equal(event.key, KEY);
    assert_int_equal(
        read_event(p, EVENT("payment_intent.succeeded", "{\"metadata\":{\"dfyd_key\":\"" KEY "\"}}"), &event),
        OUTCOME_DONE);
    assert_string_equal(event.key, KEY);
    static const char *const of_others[] = {
        EVENT("checkout.session.completed", "{\"client_reference_id\":\"cart 7\"}"),
        EVENT("checkout.session.completed", "{\"client_reference_id\":null,\"metadata\":{}}"),
        EVENT("payment_intent.succeeded", "{\"client_reference_id\":\"" KEY "\"}"),
        EVENT("payment_intent.succeeded", "{\"metadata\":{\"dfyd_key\":7}}"),
        EVENT("customer.created", "{\"metadata\":{\"dfyd_key\":\"" KEY "\"}}"),
        EVENT("payment_intent.succeeded", "null"),
    };
    for (size_t i = 0; i < ARRAY_LEN(of_others); i++) {
        if (read_event(p, of_others[i], &event) != OUTCOME_DONE) fail_msg("refused: %s", of_others[i]);
        if (event.key[0]) fail_msg("%s: %s", event.key, of_others[i]);
    }
    static const char *const broken[] = {"",
                                         "[]",
                                         "{\"id\":\"evt_1\"}",
                                         "{\"id\":\"evt_1\",\"object\":\"charge\"}",
                                         "{\"id\":7,\"object\":\"event\"}",
                                         "{\"object\":\"event\""};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        if (read_event(p, broken[i], &event) != OUTCOME_REFUSED) fail_msg("taken: %s", broken[i]);
    payment_destroy(p);

    p = payment_stripe_create(&(struct stripe_config){
        .clock = &clock, .url = "http://127.0.0.1:1", .key = "sk_test_1", .webhook_secret = ""});
    assert_int_equal(read_event(p, EVENT("customer.created", "{}"), &event), OUTCOME_REFUSED);
    payment_destroy(p);
}

/* Nobody listens there: whatever is asked, nothing is known, and nobody crashes. */
static void silence_is_unknown(void **state) {
    (void)state;
    struct clock clock = clock_manual(NOW_MS);
    struct payment *p = payment_stripe_create(&(struct stripe_config){
        .clock = &clock, .url = "http://127.0.0.1:1", .key = "sk_test_1", .webhook_secret = "", .timeout_ms = 2000});
    struct payment_charge job = {.key = STR(KEY), .token = STR("cus_1/pm_1"), .amount = 100, .created_ms = NOW_MS};
    struct payment_answer answer;
    struct card_facts card;
    assert_int_equal(payment_charge(p, &job, &answer), OUTCOME_UNKNOWN);
    assert_true(str_starts(str_of(answer.answer.reason), "no answer from Stripe: "));
    assert_int_equal(payment_close(p, &job, &answer), OUTCOME_UNKNOWN);
    assert_int_equal(payment_describe(p, STR("pm_1"), &card, &answer.answer), OUTCOME_UNKNOWN);
    assert_int_equal(payment_checkout_look(p, &job, STR("cs_1"), &card, &answer), OUTCOME_UNKNOWN);
    assert_int_equal(payment_checkout_close(p, &job, STR(""), &card, &answer), OUTCOME_UNKNOWN);
    job.token = STR("tok_visa");
    assert_int_equal(payment_charge(p, &job, &answer), OUTCOME_REFUSED);
    assert_int_equal(payment_close(p, &job, &answer), OUTCOME_REFUSED);
    assert_int_equal(payment_describe(p, STR("4242424242424242"), &card, &answer.answer), OUTCOME_REFUSED);
    assert_false(str_contains(str_of(answer.answer.reason), "4242"));
    struct payment_refund refund = {STR("k"), STR(KEY), STR("ch/../1"), 1};
    assert_int_equal(payment_refund(p, &refund, &answer), OUTCOME_REFUSED);
    refund.charge_reference = STR("pi_1");
    assert_int_equal(payment_refund(p, &refund, &answer), OUTCOME_UNKNOWN);
    assert_int_equal(payment_movements(p, 0, NULL, NULL, &answer.answer), OUTCOME_UNKNOWN);
    payment_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_mean_what_the_list_says),
        cmocka_unit_test(headers_are_found_in_any_case),
        cmocka_unit_test(forms_are_encoded),
        cmocka_unit_test(tokens_are_read),
        cmocka_unit_test(a_card_is_cut_between_characters),
        cmocka_unit_test(settings_are_judged),
        cmocka_unit_test(signatures_are_checked),
        cmocka_unit_test(notices_name_a_charge),
        cmocka_unit_test(silence_is_unknown),
    };
    if (sodium_init() < 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
