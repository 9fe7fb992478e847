/*
 * payment: who takes the money. Card data never passes here: only the provider's token.
 * Safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "core/money.h"
#include "driver/outcome.h"

struct payment;

/* The contract's payment_failure_reason values. */
enum decline {
    DECLINE_NONE,
    DECLINE_METHOD_NOT_SUPPORTED,
    DECLINE_AUTHENTICATION_REQUIRED,
    DECLINE_CARD_EXPIRED,
    DECLINE_GENERIC,
    DECLINE_END
};

extern const char *const decline_names[DECLINE_END]; /* "generic_decline"; NULL for DECLINE_NONE */

struct payment_charge {
    struct str key;   /* idempotency key: the order's id. The same key never charges twice */
    struct str token; /* of the card, at the provider */
    cents amount;
    struct str description;
};

struct payment_answer {
    struct answer answer;
    enum decline decline; /* with REFUSED */
};

struct card_facts {
    char brand[20], last4[5];
};

struct payment_ops {
    const char *name;
    /* What can be shown of a token, such as "visa" and "4242". REFUSED: no such token. Asks only. Mandatory. */
    enum outcome (*describe)(struct payment *, struct str token, struct card_facts *ret, struct answer *);
    /* Spends the customer's money, at most once a key. Mandatory. */
    enum outcome (*charge)(struct payment *, const struct payment_charge *, struct payment_answer *);
    /*
     * What became of KEY. DONE: it was charged. REFUSED: it was not, and from now on never will be: the driver closes
     * the key, so that a charge still on its way is refused too. Repeat freely. Mandatory.
     */
    enum outcome (*close)(struct payment *, struct str key, struct payment_answer *);
    /* Frees the driver. NULL if nothing is held. */
    void (*destroy)(struct payment *);
};

struct payment {
    const struct payment_ops *ops;
};

enum outcome payment_describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer);
enum outcome payment_charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer);
enum outcome payment_close(struct payment *p, struct str key, struct payment_answer *answer);
/* NULL is fine. */
void payment_destroy(struct payment *p);
