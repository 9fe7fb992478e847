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
    return p->ops->describe(p, token, ret, answer);
}

/* A refusal without a reason of the contract's would leave the client with none. */
static enum outcome declined(enum outcome outcome, struct payment_answer *answer) {
    if (outcome != OUTCOME_REFUSED) answer->decline = DECLINE_NONE;
    if (outcome == OUTCOME_REFUSED && answer->decline == DECLINE_NONE) answer->decline = DECLINE_GENERIC;
    return outcome;
}

enum outcome payment_charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct payment_answer unread;
    if (!answer) answer = &unread;
    *answer = (struct payment_answer){0};
    return declined(p->ops->charge(p, job, answer), answer);
}

enum outcome payment_close(struct payment *p, struct str key, struct payment_answer *answer) {
    struct payment_answer unread;
    if (!answer) answer = &unread;
    *answer = (struct payment_answer){0};
    return declined(p->ops->close(p, key, answer), answer);
}

void payment_destroy(struct payment *p) {
    if (p && p->ops->destroy) p->ops->destroy(p);
}
