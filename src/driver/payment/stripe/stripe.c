/* The driver's table and its settings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "core/target.h"
#include "driver/payment/stripe/inside.h"

enum { TIMEOUT_MS = 20000, SECRET_MAX_BYTES = 512 };

static bool is_secret(const char *text, const char *prefix) {
    size_t n = strlen(text), n_prefix = strlen(prefix);
    if (n <= n_prefix || n > SECRET_MAX_BYTES || strncmp(text, prefix, n_prefix) != 0) return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] > '~') return false;
    return true;
}

const char *stripe_config_fault(const struct stripe_config *config) {
    struct str url = str_of(config->url);
    if (target_url_fault(url)) return "Stripe's URL must be one, such as https://api.stripe.com";
    if (!target_url_keeps_secrets(url))
        return "Stripe's URL must begin with https://, or the secret key could be read on the way";
    if (!is_secret(config->key, "sk_") && !is_secret(config->key, "rk_"))
        return "Stripe's key must be a secret one, which begins with sk_ or rk_";
    if (config->webhook_secret[0] && !is_secret(config->webhook_secret, "whsec_"))
        return "Stripe's webhook secret must be the one shown with the endpoint, which begins with whsec_";
    return NULL;
}

static void wipe(char *text) {
    sodium_memzero(text, strlen(text));
    free(text);
}

static void destroy(struct payment *p) {
    struct stripe *s = stripe_of(p);
    web_destroy(s->web);
    free(s->url);
    wipe(s->authorization);
    wipe(s->webhook_secret);
    free(s);
}

static char *copy(const char *before, const char *text) {
    size_t size = strlen(before) + strlen(text) + 1;
    char *to = malloc(size);
    if (!to) abort();
    snprintf(to, size, "%s%s", before, text);
    return to;
}

struct payment *payment_stripe_create(const struct stripe_config *config) {
    static const struct payment_ops ops = {
        .name = "stripe",
        .describe = stripe_describe,
        .charge = stripe_charge,
        .close = stripe_close,
        .refund = stripe_refund,
        .checkout_open = stripe_checkout_open,
        .checkout_look = stripe_checkout_look,
        .checkout_close = stripe_checkout_close,
        .read_event = stripe_read_event,
        .movements = stripe_movements,
        .destroy = destroy,
    };
    struct stripe *s = calloc(1, sizeof *s);
    if (!s) abort();
    *s = (struct stripe){
        .base = {.ops = &ops},
        .web = web_create(),
        .clock = config->clock,
        .timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS,
        .url = copy("", config->url),
        .authorization = copy("Bearer ", config->key),
        .webhook_secret = copy("", config->webhook_secret),
    };
    return (struct payment *)s;
}
