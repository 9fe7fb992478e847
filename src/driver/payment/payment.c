#include "driver/payment/payment.h"

const char *const decline_names[DECLINE_END] = {
    [DECLINE_METHOD_NOT_SUPPORTED] = "payment_method_not_supported",
    [DECLINE_AUTHENTICATION_REQUIRED] = "authentication_required",
    [DECLINE_CARD_EXPIRED] = "card_expired",
    [DECLINE_GENERIC] = "generic_decline",
};

enum outcome payment_describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_look(&p->tally, began, p->ops->describe(p, token, ret, answer), answer->reason);
}

/* A refusal without a reason of the contract's would leave the client with none. */
static enum outcome declined(enum outcome outcome, struct payment_answer *answer) {
    if (outcome != OUTCOME_REFUSED) answer->decline = DECLINE_NONE;
    if (outcome == OUTCOME_REFUSED && answer->decline == DECLINE_NONE) answer->decline = DECLINE_GENERIC;
    return outcome;
}

static struct payment_answer *fresh(struct payment_answer *answer, struct payment_answer *unread) {
    if (!answer) answer = unread;
    *answer = (struct payment_answer){0};
    return answer;
}

enum outcome payment_charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct payment_answer unread;
    answer = fresh(answer, &unread);
    int64_t began = tally_begin();
    return tally_act(&p->tally, began, declined(p->ops->charge(p, job, answer), answer), answer->answer.reason);
}

enum outcome payment_close(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct payment_answer unread;
    answer = fresh(answer, &unread);
    int64_t began = tally_begin();
    return tally_look(&p->tally, began, declined(p->ops->close(p, job, answer), answer), answer->answer.reason);
}

enum outcome payment_refund(struct payment *p, const struct payment_refund *job, struct payment_answer *answer) {
    struct payment_answer unread;
    answer = fresh(answer, &unread);
    int64_t began = tally_begin();
    return tally_act(&p->tally, began, p->ops->refund(p, job, answer), answer->answer.reason);
}

bool payment_has_checkout(const struct payment *p) {
    return p->ops->checkout_open != NULL;
}

enum outcome payment_checkout_open(struct payment *p, const struct payment_checkout *job, struct checkout_page *ret,
                                   struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    *ret = (struct checkout_page){0};
    int64_t began = tally_begin();
    return tally_act(&p->tally, began, p->ops->checkout_open(p, job, ret, answer), answer->reason);
}

enum outcome payment_checkout_look(struct payment *p, const struct payment_charge *job, struct str reference,
                                   struct card_facts *ret_card, struct payment_answer *answer) {
    struct payment_answer unread;
    answer = fresh(answer, &unread);
    *ret_card = (struct card_facts){0};
    return declined(p->ops->checkout_look(p, job, reference, ret_card, answer), answer);
}

enum outcome payment_checkout_close(struct payment *p, const struct payment_charge *job, struct str reference,
                                    struct card_facts *ret_card, struct payment_answer *answer) {
    struct payment_answer unread;
    answer = fresh(answer, &unread);
    *ret_card = (struct card_facts){0};
    int64_t began = tally_begin();
    enum outcome outcome = declined(p->ops->checkout_close(p, job, reference, ret_card, answer), answer);
    return tally_look(&p->tally, began, outcome, answer->answer.reason);
}

enum outcome payment_read_event(struct payment *p, payment_header_fn *header, void *arg, struct str body,
                                int64_t now_ms, struct payment_event *ret, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    *ret = (struct payment_event){0};
    if (!p->ops->read_event) return answer_set(answer, OUTCOME_REFUSED, "%s sends no notices", p->ops->name);
    return p->ops->read_event(p, header, arg, body, now_ms, ret, answer);
}

enum outcome payment_movements(struct payment *p, int64_t from_ms, payment_movement_fn *each, void *arg,
                               struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_look(&p->tally, began, p->ops->movements(p, from_ms, each, arg, answer), answer->reason);
}

void payment_destroy(struct payment *p) {
    if (p && p->ops->destroy) p->ops->destroy(p);
}
