/* Stripe's own books: what was paid and given back. */
#include "driver/payment/stripe/inside.h"

/* A payment is made on the day after its intent at the latest: pages to pay on are open for a day at most. */
#define INTENT_OPEN_MS INT64_C(86400000)

struct telling {
    int64_t from_ms;
    payment_movement_fn *each;
    void *arg;
};

static int64_t created_ms(yyjson_val *object) {
    int64_t seconds = stripe_int(object, "created");
    return seconds > 0 && seconds < INT64_MAX / 1000 ? seconds * 1000 : 0;
}

static void tell(const struct telling *t, yyjson_val *object, bool is_refund, cents amount, int64_t at_ms) {
    /* Stripe's times are whole seconds. */
    if (amount <= 0 || at_ms + 999 < t->from_ms) return;
    const struct payment_movement movement = {
        .is_refund = is_refund,
        .key = stripe_key_of(object),
        .amount = amount,
        .at_ms = at_ms,
        .reference = stripe_text(object, "id"),
    };
    t->each(t->arg, &movement);
}

static bool tell_intent(void *arg, yyjson_val *intent) {
    yyjson_val *charge = stripe_object(intent, "latest_charge");
    if (str_is(stripe_text(intent, "status"), "succeeded"))
        tell(arg, intent, false, stripe_int(intent, "amount_received"), created_ms(charge ? charge : intent));
    return true;
}

static bool tell_refund(void *arg, yyjson_val *refund) {
    struct str status = stripe_text(refund, "status");
    if (!str_is(status, "failed") && !str_is(status, "canceled"))
        tell(arg, refund, true, stripe_int(refund, "amount"), created_ms(refund));
    return true;
}

static void intents_since(const void *arg, struct form *query) {
    const struct telling *t = arg;
    int64_t from_ms = t->from_ms > INTENT_OPEN_MS ? t->from_ms - INTENT_OPEN_MS : 0;
    form_int(query, "created[gte]", from_ms / 1000);
    form_text(query, "expand[]", STR("data.latest_charge"));
}

static void refunds_since(const void *arg, struct form *query) {
    const struct telling *t = arg;
    form_int(query, "created[gte]", (t->from_ms > 0 ? t->from_ms : 0) / 1000);
}

enum outcome stripe_movements(struct payment *p, int64_t from_ms, payment_movement_fn *each, void *arg,
                              struct answer *answer) {
    struct telling t = {.from_ms = from_ms, .each = each, .arg = arg};
    struct stripe *s = stripe_of(p);
    enum outcome outcome = stripe_list(s, "/v1/payment_intents", intents_since, &t, tell_intent, &t, answer);
    if (outcome == OUTCOME_DONE) outcome = stripe_list(s, "/v1/refunds", refunds_since, &t, tell_refund, &t, answer);
    return outcome == OUTCOME_DONE ? OUTCOME_DONE : OUTCOME_UNKNOWN;
}
