/* answer: writes what the contract's section 2 answers to an order, as JSON. Pure; appends only. */
#pragma once

#include "core/check.h"
#include "core/quote.h"
#include "driver/payment/payment.h"
#include "store/workspaces.h"

struct order_answer {
    const struct check *check;
    const struct quote *quote;
    const struct card *card;
    bool simulation;
    bool placed;
    bool not_paid;                          /* valid, but there is no card or it was declined: payment_failed */
    bool checkout;                          /* valid, to be paid on a page of the payment provider's */
    struct str checkout_url, cart_order_id; /* with checkout: the page and the order; empty in a simulation */
    enum decline decline; /* with not_paid: what the payment service said; DECLINE_NONE when it was not asked */
};

/* Whether the order can be placed: it has items and none of them has a fault. */
bool answer_is_valid(const struct check *check);
/* The contract's order_error; NULL: none. */
const char *answer_error(const struct order_answer *answer);
/* Appends the members that list what CHECK refused, each with a comma before it. */
void answer_lists(struct buf *out, const struct check *check, struct arena *arena);
/* Appends the whole object. ARENA is only used for what refused orders list. */
void answer_write(struct buf *out, const struct order_answer *answer, struct arena *arena);
