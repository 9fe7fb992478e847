/*
 * Refunds: looked for first, by the key in their metadata, and made second. One that Stripe could not make stays there
 * as failed, and Stripe keeps its refusals under the idempotency key: so each retry has an idempotency key of its own,
 * and the failed ones of before do not count.
 */
#include <stdio.h>

#include "driver/payment/stripe/inside.h"

struct refunding {
    const struct payment_refund *job;
    struct payment_answer *answer;
    bool is_found;
    enum outcome outcome; /* of the one found */
    int64_t n_failed;     /* that ended without giving anything back */
};

static bool has_failed(yyjson_val *refund) {
    struct str status = stripe_text(refund, "status");
    return str_is(status, "failed") || str_is(status, "canceled");
}

static enum outcome read_refund(struct refunding *r, yyjson_val *refund) {
    struct answer *answer = &r->answer->answer;
    struct str id = stripe_text(refund, "id"), status = stripe_text(refund, "status");
    if (has_failed(refund))
        return answer_set(answer, OUTCOME_REFUSED, "Stripe could not give it back (%.*s is %.*s)", STR_ARG(id),
                          STR_ARG(status));
    if (!str_is(status, "succeeded") && !str_is(status, "pending"))
        return answer_set(answer, OUTCOME_UNKNOWN, "Stripe waits for something (%.*s is %.*s); look at it there",
                          STR_ARG(id), STR_ARG(status));
    if (stripe_int(refund, "amount") != r->job->amount)
        return answer_set(answer, OUTCOME_UNKNOWN, "%.*s gave back another amount; look at it in Stripe", STR_ARG(id));
    snprintf(r->answer->reference, sizeof r->answer->reference, "%.*s", STR_ARG(id));
    return OUTCOME_DONE;
}

static bool is_refund(yyjson_val *refund, struct str key) {
    return str_is(stripe_text(refund, "object"), "refund") && stripe_is_id(stripe_text(refund, "id"), "") &&
           str_eq(stripe_key_of(refund), key);
}

static bool keep_ours(void *arg, yyjson_val *refund) {
    struct refunding *r = arg;
    if (!is_refund(refund, r->job->key)) return true;
    if (has_failed(refund) && r->n_failed++ < r->job->retries) return true;
    r->is_found = true;
    r->outcome = read_refund(r, refund);
    return has_failed(refund); /* a retry of it may have come through */
}

static void of_charge(const void *arg, struct form *query) {
    const struct refunding *r = arg;
    form_text(query, "payment_intent", r->job->charge_reference);
}

/* DONE: all refunds of the charge were seen. */
static enum outcome look(struct stripe *s, struct refunding *r) {
    r->is_found = false;
    r->n_failed = 0;
    enum outcome outcome = stripe_list(s, "/v1/refunds", of_charge, r, keep_ours, r, &r->answer->answer);
    return outcome == OUTCOME_DONE ? OUTCOME_DONE : OUTCOME_UNKNOWN;
}

/* Stripe says that this refund cannot be made, now or later. */
static bool is_final(const struct stripe_reply *reply) {
    if (reply->kind != STRIPE_ERROR || reply->status != 400) return false;
    return str_is(reply->code, "charge_already_refunded") || str_is(reply->code, "charge_disputed") ||
           str_is(reply->code, "refund_disputed_payment") || str_is(reply->code, "charge_exceeds_source_limit") ||
           (str_is(reply->type, "invalid_request_error") && str_is(reply->param, "amount"));
}

static void post(struct stripe *s, const struct payment_refund *job, struct arena *arena, struct stripe_reply *ret) {
    CLEANUP(form_finish) struct form form;
    form_init(&form);
    form_text(&form, "payment_intent", job->charge_reference);
    form_int(&form, "amount", job->amount);
    form_text(&form, "metadata[" STRIPE_KEY_NAME "]", job->key);
    struct str key = arena_printf(arena, "%.*s-refund", STR_ARG(job->key));
    if (job->retries > 0) key = arena_printf(arena, "%.*s-%lld", STR_ARG(key), (long long)job->retries);
    stripe_post(s, STR("/v1/refunds"), &form, key, arena, ret);
}

enum outcome stripe_refund(struct payment *p, const struct payment_refund *job, struct payment_answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(32768);
    struct stripe *s = stripe_of(p);
    struct refunding r = {.job = job, .answer = answer};
    if (!stripe_is_id(job->charge_reference, "pi_"))
        return answer_set(&answer->answer, OUTCOME_REFUSED,
                          "Stripe's name of the charge is not known; give it back in Stripe's dashboard");
    if (look(s, &r) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
    if (r.is_found) return r.outcome;
    struct stripe_reply reply;
    post(s, job, arena, &reply);
    if (reply.kind == STRIPE_OBJECT && is_refund(reply.object, job->key)) return read_refund(&r, reply.object);
    if (str_is(reply.code, "balance_insufficient"))
        return answer_set(&answer->answer, OUTCOME_UNKNOWN, "Stripe's balance is too low; it is tried again");
    if (!is_final(&reply)) return stripe_unclear(&reply, &answer->answer);
    /* One of ours may have come through in the meantime. */
    if (look(s, &r) != OUTCOME_DONE) return OUTCOME_UNKNOWN;
    if (r.is_found) return r.outcome;
    struct str code = stripe_is_id(reply.code, "") ? reply.code : STR("more than is left of the charge");
    return answer_set(&answer->answer, OUTCOME_REFUSED, "Stripe does not give it back: %.*s", STR_ARG(code));
}
