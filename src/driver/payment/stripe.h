/* stripe: what the driver `stripe` is opened with. */
#pragma once

#include "base/clock.h"
#include "driver/payment/payment.h"

struct stripe_config {
    const struct clock *clock;
    const char *url;            /* where its API is, such as "https://api.stripe.com"; without a slash at the end */
    const char *key;            /* the secret key, "sk_..." */
    const char *webhook_secret; /* what notices are signed with, "whsec_..."; "": no notice is believed */
};

/* CONFIG's texts are copied; its clock must outlive the driver. Never NULL. */
struct payment *payment_stripe_create(const struct stripe_config *config);
