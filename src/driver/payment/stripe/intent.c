#include "driver/payment/stripe/intent.h"

#include <stdio.h>

/* Of an intent that is made only to use up a key. */
enum { BLANK_AMOUNT = 100, ID_BYTES = 80 };

int64_t charging_age_ms(const struct charging *c) {
    return clock_now(c->s->clock) - c->job->created_ms;
}

enum outcome charging_unclear(const struct charging *c, const struct stripe_reply *reply) {
    return stripe_unclear(reply, &c->answer->answer);
}

enum outcome charging_refuse(const struct charging *c, const char *reason) {
    c->answer->decline = DECLINE_GENERIC;
    return answer_set(&c->answer->answer, OUTCOME_REFUSED, "%s", reason);
}

/* ---- what an intent says ---- */

bool intent_is_one(yyjson_val *intent) {
    struct str id = stripe_text(intent, "id");
    return str_is(stripe_text(intent, "object"), "payment_intent") && stripe_is_id(id, "pi_") && id.n < ID_BYTES;
}

bool intent_is(yyjson_val *intent, const char *status) {
    return str_is(stripe_text(intent, "status"), status);
}

/* Whether it waits for somebody, and can be cancelled. */
bool intent_is_open(yyjson_val *intent) {
    return str_starts(stripe_text(intent, "status"), "requires_");
}

/* Why it was not paid, as far as it says. */
static enum outcome declined(const struct charging *c, yyjson_val *intent) {
    yyjson_val *error = stripe_object(intent, "last_payment_error");
    if (!error) return charging_refuse(c, "not charged, and closed");
    return stripe_declined(stripe_text(error, "decline_code"), stripe_text(error, "code"), c->answer);
}

/* DONE or REFUSED when it ended; UNKNOWN while it may still go either way. */
enum outcome intent_read_end(const struct charging *c, yyjson_val *intent) {
    struct answer *answer = &c->answer->answer;
    struct str id = stripe_text(intent, "id");
    if (intent_is(intent, "canceled")) return declined(c, intent);
    if (!intent_is(intent, "succeeded"))
        return answer_set(answer, OUTCOME_UNKNOWN, "the bank is still at it (%.*s is %.*s)", STR_ARG(id),
                          STR_ARG(stripe_text(intent, "status")));
    if (stripe_int(intent, "amount_received") != c->job->amount || !str_is(stripe_text(intent, "currency"), "usd"))
        return answer_set(answer, OUTCOME_UNKNOWN, "%.*s took another amount than was asked for; look at it in Stripe",
                          STR_ARG(id));
    snprintf(c->answer->reference, sizeof c->answer->reference, "%.*s", STR_ARG(id));
    return OUTCOME_DONE;
}

struct str intent_path(const struct charging *c, struct str id, const char *verb) {
    return arena_printf(c->arena, "/v1/payment_intents/%.*s%s", STR_ARG(id), verb);
}

/* Cancels what is open, and says what became of it in the end. */
enum outcome intent_close(const struct charging *c, yyjson_val *intent) {
    if (!intent_is_open(intent)) return intent_read_end(c, intent);
    struct str id = stripe_text(intent, "id");
    struct stripe_reply reply;
    CLEANUP(form_finish) struct form form;
    form_init(&form);
    form_text(&form, "cancellation_reason", STR("abandoned"));
    stripe_post(c->s, intent_path(c, id, "/cancel"), &form, STR(""), c->arena, &reply);
    bool is_closed = reply.kind == STRIPE_OBJECT && intent_is_one(reply.object) && intent_is(reply.object, "canceled");
    /* What it was before says why; a cancelled one need not. */
    if (is_closed) return declined(c, stripe_object(intent, "last_payment_error") ? intent : reply.object);
    if (reply.kind != STRIPE_ERROR) return charging_unclear(c, &reply);
    stripe_get(c->s, intent_path(c, id, ""), NULL, c->arena, &reply);
    if (reply.kind != STRIPE_OBJECT || !intent_is_one(reply.object)) return charging_unclear(c, &reply);
    return intent_read_end(c, reply.object);
}

/* ---- making an intent ---- */

void intent_create(const struct charging *c, bool is_blank, struct stripe_reply *ret) {
    CLEANUP(form_finish) struct form form;
    form_init(&form);
    form_int(&form, "amount", is_blank ? BLANK_AMOUNT : c->job->amount);
    form_text(&form, "currency", STR("usd"));
    form_text(&form, "payment_method_types[]", STR("card"));
    if (!is_blank) {
        form_text(&form, "customer", c->token.customer);
        form_text(&form, "payment_method", c->token.method);
        if (c->job->description.n) form_text(&form, "description", c->job->description);
        form_text(&form, "metadata[dfyd_workspace]", c->job->workspace_id);
    }
    form_text(&form, "metadata[" STRIPE_KEY_NAME "]", c->job->key);
    struct str key = arena_printf(c->arena, "%.*s-create", STR_ARG(c->job->key));
    stripe_post(c->s, STR("/v1/payment_intents"), &form, key, c->arena, ret);
}

bool intent_is_made(const struct charging *c, const struct stripe_reply *reply) {
    return reply->kind == STRIPE_OBJECT && intent_is_one(reply->object) &&
           str_eq(stripe_key_of(reply->object), c->job->key);
}

/* The card is at fault, so the client hears that much and no more. */
enum outcome intent_hopeless(const struct charging *c, const struct stripe_reply *reply) {
    if (str_starts(reply->code, "amount_"))
        return charging_refuse(c, "Stripe does not take so small or large an amount");
    return charging_refuse(c, "the card is no longer there; add it again");
}
