/*
 * stripe: cards by Stripe. A charge is a PaymentIntent that is made first, which moves no money, and confirmed
 * off-session afterwards, so that what became of it can always be told. Tokens are "cus_.../pm_...". What is sent when
 * is in docs/payments.md.
 */
#pragma once

#include "base/clock.h"
#include "driver/payment/payment.h"

/* Sent with each call, so that Stripe answers in the shapes that are read here. */
#define STRIPE_VERSION "2024-06-20"

struct stripe_config {
    const struct clock *clock;
    const char *url;            /* where its API is, such as "https://api.stripe.com"; without a slash at the end */
    const char *key;            /* the secret key, "sk_..." or "rk_..." */
    const char *webhook_secret; /* what notices are signed with, "whsec_..."; "": no notice is believed */
    int64_t timeout_ms;         /* of one call, of which a charge makes two; 0: 20 seconds */
};

/* What is wrong with CONFIG and how to mend it, without its secrets; NULL: nothing. */
const char *stripe_config_fault(const struct stripe_config *config);
/*
 * CONFIG is without a fault; its texts are copied, its clock must outlive the driver. Never NULL. Asks nobody.
 * sodium_init must have run.
 */
struct payment *payment_stripe_create(const struct stripe_config *config);
