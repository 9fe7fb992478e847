/* Pages to pay on: Checkout Sessions. The customer's card is kept there for renewals. */
#include <stdio.h>

#include "driver/payment/stripe/inside.h"

/* Stripe keeps a page open for half an hour at least, from when the call arrives and by its own clock: the rest is for
 * calls that come late and clocks that differ. The page is closed at its time, so it is not open any longer. */
#define OPEN_MIN_MS INT64_C(7200000)
#define OPEN_MAX_MS INT64_C(86100000)
#define DAY_MS INT64_C(86400000)

static bool is_session(yyjson_val *session, struct str key) {
    return str_is(stripe_text(session, "object"), "checkout.session") &&
           stripe_is_id(stripe_text(session, "id"), "cs_") && str_eq(stripe_text(session, "client_reference_id"), key);
}

/* ---- finding one again ---- */

struct finding {
    const struct payment_charge *job;
    struct checkout_page *page;
    bool is_found, is_listed_open;
};

static void since_made(const void *arg, struct form *query) {
    const struct finding *f = arg;
    form_int(query, "created[gte]", (f->job->created_ms > DAY_MS ? f->job->created_ms - DAY_MS : 0) / 1000);
}

static bool put_page(yyjson_val *session, struct checkout_page *ret) {
    struct str id = stripe_text(session, "id"), url = stripe_text(session, "url");
    if (id.n >= sizeof ret->reference || url.n >= sizeof ret->url) return false;
    snprintf(ret->reference, sizeof ret->reference, "%.*s", STR_ARG(id));
    snprintf(ret->url, sizeof ret->url, "%.*s", STR_ARG(url));
    return true;
}

static bool keep_ours(void *arg, yyjson_val *session) {
    struct finding *f = arg;
    if (!is_session(session, f->job->key) || !put_page(session, f->page)) return true;
    f->is_found = true;
    f->is_listed_open = str_is(stripe_text(session, "status"), "open");
    return false;
}

static enum outcome find(struct stripe *s, struct finding *f, struct answer *answer) {
    enum outcome outcome = stripe_list(s, "/v1/checkout/sessions", since_made, f, keep_ours, f, answer);
    return outcome == OUTCOME_DONE ? OUTCOME_DONE : OUTCOME_UNKNOWN;
}

/* ---- opening ---- */

/* The same values each time, or Stripe would not take the idempotency key again. */
static int64_t expires_s(const struct payment_checkout *job) {
    int64_t at_ms = job->expires_ms, made_ms = job->charge.created_ms;
    if (at_ms < made_ms + OPEN_MIN_MS) at_ms = made_ms + OPEN_MIN_MS;
    if (at_ms > made_ms + OPEN_MAX_MS) at_ms = made_ms + OPEN_MAX_MS;
    return at_ms / 1000;
}

static void post(struct stripe *s, const struct payment_checkout *job, struct arena *arena, struct stripe_reply *ret) {
    const struct payment_charge *charge = &job->charge;
    struct str what = charge->description.n ? charge->description : STR("Order");
    CLEANUP(form_finish) struct form form;
    form_init(&form);
    form_text(&form, "mode", STR("payment"));
    form_text(&form, "payment_method_types[]", STR("card"));
    form_text(&form, "line_items[0][quantity]", STR("1"));
    form_text(&form, "line_items[0][price_data][currency]", STR("usd"));
    form_int(&form, "line_items[0][price_data][unit_amount]", charge->amount);
    form_text(&form, "line_items[0][price_data][product_data][name]", what);
    form_text(&form, "client_reference_id", charge->key);
    form_text(&form, "customer_creation", STR("always"));
    form_text(&form, "metadata[" STRIPE_KEY_NAME "]", charge->key);
    form_text(&form, "payment_intent_data[description]", what);
    form_text(&form, "payment_intent_data[setup_future_usage]", STR("off_session"));
    form_text(&form, "payment_intent_data[metadata][" STRIPE_KEY_NAME "]", charge->key);
    form_text(&form, "payment_intent_data[metadata][dfyd_workspace]", charge->workspace_id);
    form_int(&form, "expires_at", expires_s(job));
    form_text(&form, "success_url", job->success_url);
    form_text(&form, "cancel_url", job->cancel_url);
    struct str key = arena_printf(arena, "%.*s-checkout", STR_ARG(charge->key));
    stripe_post(s, STR("/v1/checkout/sessions"), &form, key, arena, ret);
}

enum outcome stripe_checkout_open(struct payment *p, const struct payment_checkout *job, struct checkout_page *ret,
                                  struct answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(32768);
    struct stripe *s = stripe_of(p);
    struct stripe_reply reply;
    post(s, job, arena, &reply);
    if (reply.kind == STRIPE_OBJECT && is_session(reply.object, job->charge.key) &&
        stripe_text(reply.object, "url").n && put_page(reply.object, ret))
        return OUTCOME_DONE;
    if (stripe_is_hopeless(&reply))
        return answer_set(answer, OUTCOME_REFUSED, "Stripe does not take so small or large an amount");
    if (!str_is(reply.type, "idempotency_error") || reply.status == 409) return stripe_unclear(&reply, answer);
    /* It was opened with other values, perhaps under other settings. */
    struct finding f = {.job = &job->charge, .page = ret};
    enum outcome outcome = find(s, &f, answer);
    if (outcome != OUTCOME_DONE) return outcome;
    return f.is_listed_open && ret->url[0] ? OUTCOME_DONE : stripe_unclear(&reply, answer);
}

/* ---- looking and closing ---- */

static struct str path_of(struct arena *arena, struct str id, const char *verb) {
    return arena_printf(arena, "/v1/checkout/sessions/%.*s%s", STR_ARG(id), verb);
}

static enum outcome refuse(struct payment_answer *answer, const char *reason) {
    answer->decline = DECLINE_GENERIC;
    return answer_set(&answer->answer, OUTCOME_REFUSED, "%s", reason);
}

static enum outcome read_paid(yyjson_val *session, const struct payment_charge *job, struct card_facts *ret_card,
                              struct payment_answer *answer) {
    struct str intent = stripe_id_of(session, "payment_intent");
    if (!stripe_is_id(intent, "pi_") || intent.n >= sizeof answer->reference ||
        stripe_int(session, "amount_total") != job->amount || !str_is(stripe_text(session, "currency"), "usd"))
        return answer_set(&answer->answer, OUTCOME_UNKNOWN,
                          "the page took another amount than was asked for; look at it in Stripe");
    snprintf(answer->reference, sizeof answer->reference, "%.*s", STR_ARG(intent));
    yyjson_val *method = stripe_object(stripe_object(session, "payment_intent"), "payment_method");
    stripe_card_read(method, stripe_id_of(session, "customer"), ret_card);
    return OUTCOME_DONE;
}

static enum outcome read_session(yyjson_val *session, const struct payment_charge *job, struct card_facts *ret_card,
                                 struct payment_answer *answer) {
    struct str status = stripe_text(session, "status");
    if (str_is(stripe_text(session, "payment_status"), "paid")) return read_paid(session, job, ret_card, answer);
    if (str_is(status, "expired")) return refuse(answer, "nothing was paid on the page, and it has ended");
    if (str_is(status, "open")) return answer_set(&answer->answer, OUTCOME_UNKNOWN, "nothing was paid so far");
    struct str paying = stripe_text(stripe_object(session, "payment_intent"), "status");
    if (str_is(status, "complete") && (str_is(paying, "canceled") || str_is(paying, "requires_payment_method")))
        return refuse(answer, "the payment on the page failed");
    return answer_set(&answer->answer, OUTCOME_UNKNOWN, "the bank is still at it");
}

static enum outcome look(struct stripe *s, const struct payment_charge *job, struct str id, struct card_facts *ret_card,
                         struct payment_answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(32768);
    CLEANUP(form_finish) struct form query;
    struct stripe_reply reply;
    form_init(&query);
    form_text(&query, "expand[]", STR("payment_intent.payment_method"));
    stripe_get(s, path_of(arena, id, ""), &query, arena, &reply);
    if (reply.kind != STRIPE_OBJECT || !is_session(reply.object, job->key) ||
        !str_eq(stripe_text(reply.object, "id"), id))
        return stripe_unclear(&reply, &answer->answer);
    return read_session(reply.object, job, ret_card, answer);
}

static enum outcome bad_reference(struct payment_answer *answer) {
    return answer_set(&answer->answer, OUTCOME_UNKNOWN, "this is not the name of a page of Stripe's");
}

enum outcome stripe_checkout_look(struct payment *p, const struct payment_charge *job, struct str reference,
                                  struct card_facts *ret_card, struct payment_answer *answer) {
    *ret_card = (struct card_facts){0};
    if (!stripe_is_id(reference, "cs_")) return bad_reference(answer);
    return look(stripe_of(p), job, reference, ret_card, answer);
}

static enum outcome expire(struct stripe *s, const struct payment_charge *job, struct str id,
                           struct card_facts *ret_card, struct payment_answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(32768);
    struct stripe_reply reply;
    stripe_post(s, path_of(arena, id, "/expire"), NULL, STR(""), arena, &reply);
    /* An error: it was not open any more, or something else; looking tells. */
    if (reply.kind == STRIPE_SILENT || reply.status == 401) return stripe_unclear(&reply, &answer->answer);
    return look(s, job, id, ret_card, answer);
}

enum outcome stripe_checkout_close(struct payment *p, const struct payment_charge *job, struct str reference,
                                   struct card_facts *ret_card, struct payment_answer *answer) {
    struct stripe *s = stripe_of(p);
    struct checkout_page page;
    *ret_card = (struct card_facts){0};
    if (reference.n && !stripe_is_id(reference, "cs_")) return bad_reference(answer);
    if (!reference.n) {
        struct finding f = {.job = job, .page = &page};
        if (find(s, &f, &answer->answer) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
        if (!f.is_found) return refuse(answer, "no page was opened");
        reference = str_of(page.reference);
    }
    return expire(s, job, reference, ret_card, answer);
}
