/*
 * Charges. The PaymentIntent is made under an idempotency key of its own, which Stripe remembers for a day at least:
 * within that time, whoever asks under this key gets the one intent. Money moves only when that intent is confirmed.
 */
#include "driver/payment/stripe/intent.h"

static enum outcome confirm(const struct charging *c, struct str id) {
    if (charging_age_ms(c) >= CHARGE_UNTIL_MS)
        return answer_set(&c->answer->answer, OUTCOME_UNKNOWN, "not confirmed in time; it is looked up");
    struct stripe_reply reply;
    CLEANUP(form_finish) struct form form;
    form_init(&form);
    form_text(&form, "off_session", STR("true"));
    struct str key = arena_printf(c->arena, "%.*s-confirm", STR_ARG(c->job->key));
    stripe_post(c->s, intent_path(c, id, "/confirm"), &form, key, c->arena, &reply);
    yyjson_val *intent = reply.kind == STRIPE_OBJECT ? reply.object : reply.intent;
    if (!intent_is_one(intent) || !str_eq(stripe_text(intent, "id"), id)) intent = NULL;
    if (stripe_is_decline(&reply) && (!intent || intent_is_open(intent) || intent_is(intent, "canceled")))
        return stripe_declined(reply.decline_code, reply.code, c->answer);
    if (!intent) return charging_unclear(c, &reply);
    /* An error that shows the intent: it ended otherwise before, and says so. */
    if (reply.kind == STRIPE_ERROR && !intent_is(intent, "canceled") && !intent_is(intent, "succeeded"))
        return charging_unclear(c, &reply);
    if (!intent_is_open(intent)) return intent_read_end(c, intent);
    /* Stripe waits for the cardholder, who is not there. */
    enum outcome outcome = intent_close(c, intent);
    if (outcome != OUTCOME_REFUSED) return outcome;
    return stripe_declined(STR("authentication_required"), STR(""), c->answer);
}

enum outcome stripe_charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(32768);
    struct charging c = {stripe_of(p), job, .arena = arena, .answer = answer};
    if (!stripe_token_read(job->token, &c.token) || !c.token.customer.n)
        return charging_refuse(&c, "this card was not added as one of Stripe's; add it again");
    if (charging_age_ms(&c) >= CHARGE_UNTIL_MS)
        return answer_set(&answer->answer, OUTCOME_UNKNOWN, "too old to be charged now; it is looked up");
    struct stripe_reply reply;
    intent_create(&c, false, &reply);
    if (stripe_is_hopeless(&reply)) return intent_hopeless(&c, &reply);
    if (stripe_is_decline(&reply)) return stripe_declined(reply.decline_code, reply.code, answer);
    if (!intent_is_made(&c, &reply)) return charging_unclear(&c, &reply);
    return confirm(&c, stripe_text(reply.object, "id"));
}
