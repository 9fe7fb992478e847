/* Tokens, and what may be shown of the cards that they stand for. */
#include <stdio.h>

#include "driver/payment/stripe/inside.h"

bool stripe_token_read(struct str text, struct stripe_token *ret) {
    struct str rest, first = str_cut(text, '/', &rest);
    *ret = (struct stripe_token){.method = text};
    if (first.n == text.n) return stripe_is_id(text, "pm_");
    *ret = (struct stripe_token){first, rest};
    return stripe_is_id(first, "cus_") && stripe_is_id(rest, "pm_") && text.n < PAYMENT_TOKEN_BYTES;
}

/* At most MAX bytes, and no half of a character. */
static void put_text(char *to, size_t max, struct str text) {
    size_t n = text.n < max ? text.n : max;
    while (n && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80) n--;
    if (n) memcpy(to, text.p, n);
    to[n] = '\0';
}

bool stripe_card_read(yyjson_val *method, struct str customer, struct card_facts *ret) {
    yyjson_val *card = stripe_object(method, "card");
    struct str id = stripe_text(method, "id");
    *ret = (struct card_facts){0};
    if (!card || !str_is(stripe_text(method, "type"), "card") || !stripe_is_id(id, "pm_")) return false;
    put_text(ret->brand, sizeof ret->brand - 1, stripe_text(card, "brand"));
    put_text(ret->last4, sizeof ret->last4 - 1, stripe_text(card, "last4"));
    put_text(ret->name, sizeof ret->name - 1, stripe_text(stripe_object(method, "billing_details"), "name"));
    if (stripe_is_id(customer, "cus_") && customer.n + 1 + id.n < sizeof ret->token)
        snprintf(ret->token, sizeof ret->token, "%.*s/%.*s", STR_ARG(customer), STR_ARG(id));
    return true;
}

static enum outcome read_method(const struct stripe_reply *reply, const struct stripe_token *token,
                                struct card_facts *ret, struct answer *answer) {
    struct str id = token->method, customer = stripe_id_of(reply->object, "customer");
    if (reply->kind == STRIPE_ERROR && reply->status == 404)
        return answer_set(answer, OUTCOME_REFUSED,
                          "Stripe knows no %.*s under this key; a test key sees test cards only, a live key live ones",
                          STR_ARG(id));
    if (reply->kind != STRIPE_OBJECT || !str_eq(stripe_text(reply->object, "id"), id))
        return stripe_unclear(reply, answer);
    if (!str_is(stripe_text(reply->object, "type"), "card"))
        return answer_set(answer, OUTCOME_REFUSED, "%.*s is no card, and only cards are charged here", STR_ARG(id));
    if (!customer.n)
        return answer_set(answer, OUTCOME_REFUSED,
                          "%.*s belongs to no customer; attach it to one in Stripe, then add it again", STR_ARG(id));
    if (token->customer.n && !str_eq(token->customer, customer))
        return answer_set(answer, OUTCOME_REFUSED, "%.*s is not a card of %.*s; name the card alone", STR_ARG(id),
                          STR_ARG(token->customer));
    struct card_facts facts;
    if (!stripe_card_read(reply->object, customer, &facts) || !facts.token[0]) return stripe_unclear(reply, answer);
    *ret = facts;
    return OUTCOME_DONE;
}

enum outcome stripe_describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct stripe_token read;
    if (!stripe_token_read(token, &read))
        return answer_set(answer, OUTCOME_REFUSED,
                          "a card is named by Stripe's pm_... or cus_.../pm_..., never by its number");
    struct stripe_reply reply;
    struct str path = arena_printf(arena, "/v1/payment_methods/%.*s", STR_ARG(read.method));
    stripe_get(stripe_of(p), path, NULL, arena, &reply);
    return read_method(&reply, &read, ret, answer);
}
