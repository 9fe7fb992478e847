/* inside: what the files of the driver `stripe` share. */
#pragma once

#include "driver/payment/stripe.h"
#include "driver/payment/stripe/form.h"
#include "driver/payment/stripe/reply.h"

struct stripe {
    struct payment base;
    struct web *web;
    const struct clock *clock;
    int64_t timeout_ms;
    char *url, *authorization, *webhook_secret;
};

static inline struct stripe *stripe_of(struct payment *p) {
    return (struct stripe *)p;
}

/* The member of an object's metadata, and of a list's objects, by which dfyd knows its own again. */
#define STRIPE_KEY_NAME "dfyd_key"

/* The key that OBJECT was made for; empty when dfyd did not make it. */
static inline struct str stripe_key_of(yyjson_val *object) {
    return stripe_text(stripe_object(object, "metadata"), STRIPE_KEY_NAME);
}

/* ---- call.c ---- */

/* PATH begins with "/v1/"; FORM and QUERY may be NULL; an empty idempotency key is not sent. */
void stripe_get(struct stripe *s, struct str path, const struct form *query, struct arena *arena,
                struct stripe_reply *ret);
void stripe_post(struct stripe *s, struct str path, const struct form *form, struct str idempotency_key,
                 struct arena *arena, struct stripe_reply *ret);

/* Adds what is asked for, on each page. */
typedef void stripe_query_fn(const void *arg, struct form *query);
/* False: that was enough. ITEM lives until it returns. */
typedef bool stripe_each_fn(void *arg, yyjson_val *item);
/* Calls EACH for all of a list, page by page. DONE: all was seen, or EACH had enough. REFUSED:
 * Stripe does not know the customer that was asked about. UNKNOWN otherwise. */
enum outcome stripe_list(struct stripe *s, const char *path, stripe_query_fn *query, const void *query_arg,
                         stripe_each_fn *each, void *arg, struct answer *answer);

/* ---- card.c ---- */

/* "cus_.../pm_..." or "pm_..."; then the customer is empty. */
struct stripe_token {
    struct str customer, method;
};

bool stripe_token_read(struct str text, struct stripe_token *ret);
/* Of a PaymentMethod of CUSTOMER; its token is "" when it has none. False: it is no card. */
bool stripe_card_read(yyjson_val *method, struct str customer, struct card_facts *ret);
enum outcome stripe_describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer);

/* ---- charge.c ---- */

enum outcome stripe_charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer);
enum outcome stripe_close(struct payment *p, const struct payment_charge *job, struct payment_answer *answer);

/* ---- refund.c, checkout.c, event.c, movements.c ---- */

enum outcome stripe_refund(struct payment *p, const struct payment_refund *job, struct payment_answer *answer);
enum outcome stripe_checkout_open(struct payment *p, const struct payment_checkout *job, struct checkout_page *ret,
                                  struct answer *answer);
enum outcome stripe_checkout_look(struct payment *p, const struct payment_charge *job, struct str reference,
                                  struct card_facts *ret_card, struct payment_answer *answer);
/* An empty REFERENCE: the page, if one was opened, is looked for. */
enum outcome stripe_checkout_close(struct payment *p, const struct payment_charge *job, struct str reference,
                                   struct card_facts *ret_card, struct payment_answer *answer);
enum outcome stripe_read_event(struct payment *p, payment_header_fn *header, void *arg, struct str body, int64_t now_ms,
                               struct payment_event *ret, struct answer *answer);
/* Whether HEADER (Stripe-Signature) is SECRET's for BODY, and made within five minutes of NOW_MS. */
enum outcome stripe_signature_check(struct str header, struct str secret, struct str body, int64_t now_ms,
                                    struct answer *answer);
enum outcome stripe_movements(struct payment *p, int64_t from_ms, payment_movement_fn *each, void *arg,
                              struct answer *answer);
