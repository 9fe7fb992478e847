/*
 * model: what clients asked for and what they were told, and from that alone what has to be true. Plain arrays; knows
 * nothing of the store's code. Whoever asks hands in what was seen outside: the order's row, the bank's book.
 */
#pragma once

#include "base/ids.h"
#include "core/check.h"
#include "core/money.h"
#include "core/state.h"
#include "model_prices.h"

enum { MODEL_ORDERS = 400, MODEL_KEYS = 64, MODEL_PAID = 8000, MODEL_SWAPS = 64, BROKEN_TEXT = 400 };

enum told {
    TOLD_NOTHING, /* the connection broke, by a crash */
    TOLD_PLACED,
    TOLD_DECLINED,
    TOLD_CHANGED, /* the facts changed: this try came to nothing */
    TOLD_PENDING,
    TOLD_ON_PAGE, /* the customer may pay on a page */
    TOLD_ERROR,   /* nothing was charged */
    TOLD_END
};

extern const char *const told_names[TOLD_END];

/* How far a client has come with the cancellation of a mailbox. */
enum model_cancel { CANCEL_NEVER, CANCEL_ASKED, CANCEL_TOLD };

struct model_account {
    char id[UUID_TEXT];
    enum model_cancel cancel;
    int64_t cancelled_ms; /* as told */
    bool is_gone;         /* as seen at the end; then its address can be sold again */
    /* Since its cancellation was told, only the charge with this key (empty: none) may take money for it. */
    bool is_barred;
    struct str allowed_key;
};

struct model_domain {
    char id[UUID_TEXT]; /* empty until it is known: of extra accounts, that of their domain */
    struct str name;
    struct model_bill bill;
    struct str *emails;
    size_t n_emails;
    bool has_forwarding;
    unsigned forwarding; /* what it may be: a bit for each model_forwarding */
    int forwardings_told;
    bool has_failed;                /* as seen at the end: it was refused while somebody still wanted it */
    bool is_lost;                   /* the registrar refused it for good, so it may be sold again */
    bool *email_lost;               /* the same of a mailbox */
    struct model_account *accounts; /* one an address */
    bool is_barred;                 /* as of accounts */
    struct str allowed_key;
};

/* A period that the bank took money for. */
struct model_paid {
    struct str thing; /* the id of the account or domain */
    enum model_kind kind;
    int64_t from_ms, to_ms;
    cents amount;
    struct str key, renewal_id;
};

/* One try to place an order; a request that is judged anew makes another. */
struct model_order {
    char id[UUID_TEXT];
    int workspace;
    struct str key; /* empty: none */
    int key_life;   /* of the key when the order was tried */
    enum order_type type;
    int64_t ordered_ms;
    cents amount, discount;                  /* by the model's own arithmetic */
    const struct model_promotion *promotion; /* NULL: none applied */
    bool is_on_account;
    bool is_on_page;
    struct str page;   /* the bank's name for it, once the customer was told; empty: not told */
    bool is_page_paid; /* the bank told the customer so */
    struct model_domain *domains;
    size_t n_domains;
    struct str answer; /* to be given once placed; no other order's */
    enum told told;
};

struct model_key {
    int workspace;
    struct str key;
    int body;          /* of the newest claim */
    struct str answer; /* given to a client; empty: none yet */
    int64_t claimed_ms;
    bool may_be_gone; /* older than what is kept */
    int life;         /* how often it began anew after that */
};

/* What a client asked for: another domain in place of one that failed. */
struct model_swap {
    struct str old_id, name;
    struct model_swap_account {
        const char *id; /* of the new mailbox; read once it is there */
        struct str old_id, prefix;
    } * accounts;
    size_t n_accounts;
    bool is_told, is_known; /* that it was done: to the client; to the model */
};

struct model {
    struct arena *arena; /* lives as long as the model */
    struct model_price_book book;
    struct model_order *orders;
    size_t n_orders;
    struct model_key *keys;
    size_t n_keys;
    struct model_swap *swaps;
    size_t n_swaps;
    struct model_paid *paid; /* by renewals */
    size_t n_paid;
    /* The first thing that was not as it must be; empty while all is well. */
    char broken[BROKEN_TEXT];
};

void model_init(struct model *model, struct arena *arena);
/* Notes what is broken; only the first is kept. */
void model_break(struct model *model, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool model_is_broken(const struct model *model);

/* A new try, told nothing so far; NULL when there is no more room. What CHECK says is copied. It was priced at NOW_MS,
 * when promotions were used as USES says. */
struct model_order *model_add_order(struct model *model, const struct check *check, int workspace, struct str key,
                                    struct str answer, int64_t now_ms, const struct model_uses *uses);
/* How far promotions are used by orders that hold or used them: IS_HELD[i] of order i. */
void model_count_uses(const struct model *model, const bool *is_held, int workspace,
                      struct model_uses ret[MODEL_PROMOTIONS]);
struct model_order *model_find_order(struct model *model, struct str id);

/* An account by its id; NULL when no order brought it. */
struct model_account *model_find_account(struct model *model, struct str id);
/* A client of WORKSPACE asks to cancel EMAIL, and this may come to pass from now on. */
void model_cancel_asked(struct model *model, int workspace, struct str email);
/* It was told that account ID was cancelled at CANCELLED_MS. */
void model_cancel_told(struct model *model, struct str id, struct str email, int64_t cancelled_ms);
/* Whether a client was told that EMAIL was sold to WORKSPACE: then it can be cancelled. */
bool model_is_told_sold(const struct model *model, int workspace, struct str email);

/* A number below 8 for a forwarding that clients here ask for. */
unsigned model_forwarding(struct str target, enum forwarding_mode mode);
/* A client asks for another forwarding of NAME: from now on it may be so. */
void model_forwarding_asked(struct model *model, int workspace, struct str name, unsigned value);
/* It was told that it is so; or that nothing changed for DOMAIN, which was as BEFORE when it asked. */
void model_forwarding_told(struct model *model, int workspace, struct str name, unsigned value);
void model_forwarding_unchanged(struct model_domain *domain, unsigned value, const struct model_domain *before);
/* The newest sale of NAME to WORKSPACE, lost ones left out, by an order that was answered as placed or, when PLACED is
 * not NULL, has PLACED[i]. NULL when there is none. */
struct model_domain *model_find_domain(const struct model *model, int workspace, struct str name, const bool *placed);

/* What a client heard about its Idempotency-Key. BODY numbers the bodies. */
void model_key_new(struct model *model, int workspace, struct str key, int body, int64_t now_ms);
void model_key_running(struct model *model, int workspace, struct str key, int body);
void model_key_other_body(struct model *model, int workspace, struct str key, int body);
/* How often the key began anew; 0 when it is not known. */
int model_key_life(const struct model *model, int workspace, struct str key);
/* A final answer, also a replayed one; KEY may be empty, and LIFE is what it had when the request began. An answer that
 * says "placed" tells its order so. */
void model_answered(struct model *model, int workspace, struct str key, int life, int body, struct str answer);
/* Answers from before BEFORE_MS may be forgotten from now on. */
void model_keys_expire(struct model *model, int64_t before_ms);

/* An order as others see it. */
struct model_seen {
    bool exists;
    enum order_state state;
    cents amount;
    int64_t charges; /* how often the bank charged its key */
};

/* What must be true of an order at every moment, and with IS_QUIET once nothing is left to do. */
void model_check_order(struct model *model, const struct model_order *order, const struct model_seen *seen,
                       bool is_quiet);
/* Whether one of the orders for which PLACED[i] is true bought NAME (not only mailboxes on it) and did not lose it. */
bool model_is_sold(const struct model *model, const bool *placed, struct str name);
/* No name or address sold to two, extra accounts only where the same workspace bought the domain, and no key with two
 * placed orders. */
void model_check_sales(struct model *model, const bool *placed);
