/* intent: PaymentIntents, as charging and closing make, read and cancel them. */
#pragma once

#include "driver/payment/stripe/inside.h"

#define HOUR_MS INT64_C(3600000)
/* Stripe may forget an idempotency key after 24 hours. Later than the first of these no charge is begun or confirmed,
 * so that none is under way when, after the second, intents are looked for in lists instead. */
#define CHARGE_UNTIL_MS (22 * HOUR_MS)
#define KEY_UNTIL_MS (23 * HOUR_MS)

/* One charge under way. */
struct charging {
    struct stripe *s;
    const struct payment_charge *job;
    struct stripe_token token;
    struct arena *arena;
    struct payment_answer *answer;
};

int64_t charging_age_ms(const struct charging *c);
enum outcome charging_unclear(const struct charging *c, const struct stripe_reply *reply);
enum outcome charging_refuse(const struct charging *c, const char *reason);

/* Whether an object is a PaymentIntent at all. It may be NULL. */
bool intent_is_one(yyjson_val *intent);
bool intent_is(yyjson_val *intent, const char *status);
/* Whether it waits for somebody, and can be cancelled. */
bool intent_is_open(yyjson_val *intent);
/* "/v1/payment_intents/ID" and what follows. */
struct str intent_path(const struct charging *c, struct str id, const char *verb);

/* Makes the charge's intent, or gets the one that was made. BLANK: one without a card, to use up the key. */
void intent_create(const struct charging *c, bool is_blank, struct stripe_reply *ret);
/* Whether that gave an intent of this charge. */
bool intent_is_made(const struct charging *c, const struct stripe_reply *reply);
/* REFUSED, for a reply that is stripe_is_hopeless. */
enum outcome intent_hopeless(const struct charging *c, const struct stripe_reply *reply);
/* DONE or REFUSED when it ended; UNKNOWN while it may still go either way. */
enum outcome intent_read_end(const struct charging *c, yyjson_val *intent);
/* Cancels it while it is open, and says what became of it in the end. */
enum outcome intent_close(const struct charging *c, yyjson_val *intent);
