/*
 * Closing a charge. The idempotency key under which its intent is made is used up, if it was not yet; then there is
 * one intent, which is cancelled unless it was paid, and which nobody can confirm any more. Once Stripe may have
 * forgotten the key, the intent is looked for in lists.
 */
#include <stdio.h>

#include "driver/payment/stripe/intent.h"

/* How far Stripe's clock may be from ours, and then some. */
#define LIST_MARGIN_MS (24 * HOUR_MS)
enum { FOUND_MAX = 8, ID_BYTES = 80 };

static enum outcome close_id(const struct charging *c, struct str id) {
    struct stripe_reply reply;
    stripe_get(c->s, intent_path(c, id, ""), NULL, c->arena, &reply);
    if (!intent_is_made(c, &reply) || !str_eq(stripe_text(reply.object, "id"), id)) return charging_unclear(c, &reply);
    return intent_close(c, reply.object);
}

/* The intents of a key: there is more than one only when Stripe forgot the idempotency key. */
struct found {
    const struct charging *c;
    struct str customer; /* empty: of all customers */
    char ids[FOUND_MAX][ID_BYTES];
    size_t n;
};

static void about_that_time(const void *arg, struct form *query) {
    const struct found *found = arg;
    int64_t at_ms = found->c->job->created_ms, from_ms = at_ms > LIST_MARGIN_MS ? at_ms - LIST_MARGIN_MS : 0;
    if (found->customer.n) form_text(query, "customer", found->customer);
    form_int(query, "created[gte]", from_ms / 1000);
    form_int(query, "created[lte]", (at_ms + 2 * LIST_MARGIN_MS) / 1000);
}

static bool keep_ours(void *arg, yyjson_val *intent) {
    struct found *found = arg;
    if (!intent_is_one(intent) || !str_eq(stripe_key_of(intent), found->c->job->key)) return true;
    snprintf(found->ids[found->n++], ID_BYTES, "%.*s", STR_ARG(stripe_text(intent, "id")));
    return found->n < FOUND_MAX;
}

/* A customer that was deleted has no list of its own, while its payments are still in that of all. */
static enum outcome find(struct found *found) {
    const struct charging *c = found->c;
    for (int i = 0; i < 2; i++) {
        found->customer = i ? STR("") : c->token.customer;
        found->n = 0;
        enum outcome outcome =
            stripe_list(c->s, "/v1/payment_intents", about_that_time, found, keep_ours, found, &c->answer->answer);
        if (outcome != OUTCOME_REFUSED) return outcome;
    }
    return OUTCOME_UNKNOWN;
}

static enum outcome close_found(const struct found *found) {
    const struct charging *c = found->c;
    if (found->n == FOUND_MAX)
        return answer_set(&c->answer->answer, OUTCOME_UNKNOWN, "Stripe has many payments of this key; look there");
    struct payment_answer open = {0};
    bool is_open = false;
    for (size_t i = 0; i < found->n; i++) {
        enum outcome outcome = close_id(c, str_of(found->ids[i]));
        if (outcome == OUTCOME_DONE) return OUTCOME_DONE;
        if (outcome == OUTCOME_REFUSED) continue;
        open = *c->answer;
        is_open = true;
    }
    if (!is_open) return OUTCOME_REFUSED;
    *c->answer = open;
    return OUTCOME_UNKNOWN;
}

/* Stripe keeps some refusals under the key, too, and gives no second answer then: nothing comes of this key any more.
 */
static bool is_used_up(const struct charging *c) {
    struct stripe_reply again;
    intent_create(c, false, &again);
    return again.kind == STRIPE_ERROR && again.is_replayed;
}

/* Stripe made nothing for the key: unless the key is used up by that, an intent without a card takes its place. */
static enum outcome close_blank(const struct charging *c, const struct stripe_reply *made) {
    if (stripe_is_hopeless(made) && (made->is_replayed || is_used_up(c))) return intent_hopeless(c, made);
    struct stripe_reply reply;
    intent_create(c, true, &reply);
    if (!intent_is_made(c, &reply)) return charging_unclear(c, &reply);
    enum outcome outcome = close_id(c, stripe_text(reply.object, "id"));
    return outcome == OUTCOME_REFUSED && stripe_is_hopeless(made) ? intent_hopeless(c, made) : outcome;
}

/* Whether looking in lists helps: not when Stripe is silent, busy or does not let us in. */
static bool is_cut_off(const struct stripe_reply *reply) {
    return reply->kind == STRIPE_SILENT || reply->status == 401 || reply->status == 403 || reply->status == 409 ||
           reply->status == 429;
}

static enum outcome close_charge(const struct charging *c) {
    struct stripe_reply made = {0};
    struct found found = {.c = c};
    bool is_young = charging_age_ms(c) < KEY_UNTIL_MS;
    if (is_young) {
        intent_create(c, false, &made);
        if (intent_is_made(c, &made) && made.is_replayed) return close_id(c, stripe_text(made.object, "id"));
        if (is_cut_off(&made)) return charging_unclear(c, &made);
    }
    enum outcome listed = find(&found);
    if (listed != OUTCOME_DONE) return listed;
    if (found.n) return close_found(&found);
    if (!is_young) return charging_refuse(c, "not charged: Stripe has no payment of this key");
    if (intent_is_made(c, &made)) return close_id(c, stripe_text(made.object, "id"));
    if (stripe_is_hopeless(&made) || str_is(made.type, "idempotency_error")) return close_blank(c, &made);
    /* The key is used up by a failure of Stripe's, which made nothing. */
    if (made.status >= 500 && made.is_replayed) return charging_refuse(c, "not charged: Stripe failed");
    return charging_unclear(c, &made);
}

enum outcome stripe_close(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(32768);
    struct charging c = {stripe_of(p), job, .arena = arena, .answer = answer};
    struct card_facts card;
    if (!job->token.n) return stripe_checkout_close(p, job, STR(""), &card, answer);
    if (!stripe_token_read(job->token, &c.token) || !c.token.customer.n)
        return charging_refuse(&c, "not charged: the card is not one of Stripe's");
    return close_charge(&c);
}
