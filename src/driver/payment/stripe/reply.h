/* reply: what Stripe answered, read strictly, and what an error of Stripe's means. Pure but for the arena. */
#pragma once

#include <yyjson.h>

#include "driver/payment/payment.h"
#include "driver/web/web.h"

enum stripe_kind {
    STRIPE_OBJECT, /* 200 and an object */
    STRIPE_ERROR,  /* a status of 4xx or 5xx */
    STRIPE_SILENT, /* nothing that can be trusted: no answer, broken JSON, a page of somebody else's */
};

struct stripe_reply {
    enum stripe_kind kind;
    int status;
    bool is_replayed; /* Stripe had answered this idempotency key before, and does nothing for it again */
    int64_t retry_after_ms;
    struct str request_id; /* Stripe's name for the call; empty when it is not known */
    yyjson_val *object;    /* with OBJECT */
    /* With ERROR; empty when not said. */
    struct str type, code, decline_code, param, message;
    yyjson_val *intent; /* the PaymentIntent in an error; NULL: none */
    const char *reason; /* with SILENT */
};

void stripe_reply_read(enum web_result result, const struct web_reply *web, struct arena *arena,
                       struct stripe_reply *ret);

/* A member that is text, else empty. OBJECT may be NULL, as in all of these. */
struct str stripe_text(yyjson_val *object, const char *name);
/* A member that is a whole number of at least 0, else -1. */
int64_t stripe_int(yyjson_val *object, const char *name);
/* A member that is an object, else NULL. */
yyjson_val *stripe_object(yyjson_val *object, const char *name);
/* The id of a member that is an id or, expanded, an object with one. */
struct str stripe_id_of(yyjson_val *object, const char *name);
/* Whether TEXT is fit to be a name in a URL and to be kept: letters, digits and '_' after PREFIX, below 128 bytes. */
bool stripe_is_id(struct str text, const char *prefix);

/* ERROR that says the card, not the call, is at fault. */
bool stripe_is_decline(const struct stripe_reply *reply);
/* The contract's reason for codes of Stripe's, the more exact one first. */
enum decline stripe_decline(struct str decline_code, struct str code);
/* REFUSED, with the reason for people; codes that the cardholder must not learn are left out. */
enum outcome stripe_declined(struct str decline_code, struct str code, struct payment_answer *answer);
/*
 * ERROR to a call that would make a charge, by which Stripe says that it never can with this card or amount: the card
 * or its customer is gone, or the amount is none that it takes.
 */
bool stripe_is_hopeless(const struct stripe_reply *reply);
/* UNKNOWN, with what is to be mended; for all that is not understood otherwise. */
enum outcome stripe_unclear(const struct stripe_reply *reply, struct answer *answer);
