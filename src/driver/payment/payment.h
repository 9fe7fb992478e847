/*
 * payment: who takes the money. Card data never passes here: only the provider's token.
 * Safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "core/money.h"
#include "driver/outcome.h"
#include "driver/tally.h"

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

/* A charge, and all that is needed to ask about it later: the same values each time a key is used. */
struct payment_charge {
    struct str key; /* idempotency key: the order's id, or that of one try to renew. The same key never charges twice */
    struct str token; /* of the card, at the provider */
    cents amount;     /* above 0 */
    struct str workspace_id;
    struct str description; /* on the customer's statement and in the provider's lists */
    int64_t created_ms;     /* when the key was written down; no call with it was made before */
};

struct payment_answer {
    struct answer answer;
    enum decline decline; /* with REFUSED */
    char reference[80];   /* with DONE: the provider's name for the charge or refund; "" when it has none */
};

struct payment_refund {
    struct str key;              /* idempotency key: the refund's id */
    struct str charge_key;       /* of the charge that gave the money */
    struct str charge_reference; /* the provider's name for it */
    cents amount;                /* above 0, at most what is left of the charge */
    int64_t retries; /* how often it was refused before, and what was to be mended is mended: it is another request */
    struct str workspace_id; /* whose money it is */
};

enum { PAYMENT_TOKEN_BYTES = 160, PAYMENT_URL_BYTES = 2048 };

struct card_facts {
    char brand[20], last4[5];
    char name[101];                  /* on the card; "" when the provider does not know it */
    char token[PAYMENT_TOKEN_BYTES]; /* what charges are made with; may differ from the one asked about */
};

/* A page of the provider's on which the customer pays. */
struct payment_checkout {
    struct payment_charge charge;       /* its token is empty */
    int64_t expires_ms;                 /* later nothing can be paid there */
    struct str success_url, cancel_url; /* where the customer goes afterwards */
};

struct checkout_page {
    char url[PAYMENT_URL_BYTES];
    char reference[128]; /* the provider's name for the page */
};

/* What a provider's notice is about. */
struct payment_event {
    char id[128]; /* of the notice: one that comes again has the same */
    char key[64]; /* of the charge; "": nothing of ours, or nothing that matters */
};

/* Money that moved, by the provider's own books. */
struct payment_movement {
    bool is_refund;
    struct str key; /* ours; empty when it was not made by us */
    cents amount;
    int64_t at_ms;
    struct str reference;
};

typedef void payment_movement_fn(void *arg, const struct payment_movement *movement);
/* The value of a header field of a notice; empty when it was not sent. */
typedef struct str payment_header_fn(void *arg, const char *name);

struct payment_ops {
    const char *name; /* "sandbox"; stored with every charge */
    /* Whether it only pretends; then the clock may be moved. */
    bool is_sandbox;
    /* What can be shown of a token, such as "visa" and "4242". REFUSED: no such token. Asks only. Mandatory. */
    enum outcome (*describe)(struct payment *, struct str token, struct card_facts *ret, struct answer *);
    /* Spends the customer's money, at most once a key. Mandatory. */
    enum outcome (*charge)(struct payment *, const struct payment_charge *, struct payment_answer *);
    /*
     * What became of a charge. DONE: it was made. REFUSED: it was not, and from now on never will be: the driver closes
     * the key, so that a charge still on its way is refused too. Repeat freely. Mandatory.
     */
    enum outcome (*close)(struct payment *, const struct payment_charge *, struct payment_answer *);
    /*
     * Gives money back, once a key. DONE: it is on its way to the customer. REFUSED: it cannot be given back this way,
     * and asking again does not help before something is mended. Repeat freely under the same key; with more RETRIES
     * than before only after REFUSED. Mandatory.
     */
    enum outcome (*refund)(struct payment *, const struct payment_refund *, struct payment_answer *);
    /*
     * Opens a page to pay on, or finds the one that was opened under the key; a url that begins with '/' is a path on
     * this server. REFUSED: there is and will be no page under that key. NULL: this driver has none. Of the other
     * two, look asks only: DONE paid, REFUSED it ended unpaid and always will be, UNKNOWN it is still open, or no clear
     * answer; close ends it unless it was paid: DONE or REFUSED, as charges are closed. CARD, when paid: what the
     * customer paid with, to be kept for renewals; its token is "" when it cannot be used again. close with an empty
     * reference: the page that was opened under the key, whether or not anybody heard of it.
     */
    enum outcome (*checkout_open)(struct payment *, const struct payment_checkout *, struct checkout_page *ret,
                                  struct answer *);
    enum outcome (*checkout_look)(struct payment *, const struct payment_charge *, struct str reference,
                                  struct card_facts *ret_card, struct payment_answer *);
    enum outcome (*checkout_close)(struct payment *, const struct payment_charge *, struct str reference,
                                   struct card_facts *ret_card, struct payment_answer *);
    /*
     * Reads a notice that came over HTTP. REFUSED: not from the provider, or older than it may be. DONE says which
     * charge to look at; what it says of it is not believed. Asks nobody. NULL: this driver sends none.
     */
    enum outcome (*read_event)(struct payment *, payment_header_fn *header, void *arg, struct str body, int64_t now_ms,
                               struct payment_event *ret, struct answer *);
    /* Calls EACH for all money that moved at or after FROM_MS, in any order. REFUSED does not occur. Mandatory. */
    enum outcome (*movements)(struct payment *, int64_t from_ms, payment_movement_fn *each, void *arg, struct answer *);
    /* Frees the driver. NULL if nothing is held. */
    void (*destroy)(struct payment *);
};

struct payment {
    const struct payment_ops *ops;
    struct tally tally; /* of how the calls below ended; zeroed at first */
};

enum outcome payment_describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer);
enum outcome payment_charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer);
enum outcome payment_close(struct payment *p, const struct payment_charge *job, struct payment_answer *answer);
enum outcome payment_refund(struct payment *p, const struct payment_refund *job, struct payment_answer *answer);
bool payment_has_checkout(const struct payment *p);
enum outcome payment_checkout_open(struct payment *p, const struct payment_checkout *job, struct checkout_page *ret,
                                   struct answer *answer);
enum outcome payment_checkout_look(struct payment *p, const struct payment_charge *job, struct str reference,
                                   struct card_facts *ret_card, struct payment_answer *answer);
enum outcome payment_checkout_close(struct payment *p, const struct payment_charge *job, struct str reference,
                                    struct card_facts *ret_card, struct payment_answer *answer);
/* REFUSED when the driver sends no notices. */
enum outcome payment_read_event(struct payment *p, payment_header_fn *header, void *arg, struct str body,
                                int64_t now_ms, struct payment_event *ret, struct answer *answer);
enum outcome payment_movements(struct payment *p, int64_t from_ms, payment_movement_fn *each, void *arg,
                               struct answer *answer);
/* NULL is fine. */
void payment_destroy(struct payment *p);
