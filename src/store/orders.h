/*
 * orders: the durable life of an order. Three changes, each one transaction:
 *   reserve  holds the names and writes down the intent to charge, before any money moves;
 *   settle   after the charge: order, domains, accounts and steps become real;
 *   release  after a refusal: everything held is given back.
 * A domain is unique among active domains and an address among active accounts by unique indexes, so selling twice is
 * impossible whatever the callers do.
 */
#pragma once

#include "base/ids.h"
#include "core/bill.h"
#include "core/check.h"
#include "core/state.h"
#include "store/audit.h"

/* One mailbox to be sold; its password is generated and sealed before anything is charged. */
struct reserve_account {
    char id[UUID_TEXT];
    struct str email;
    struct account account;
    struct str sealed_password;
};

struct reserve_domain {
    char id[UUID_TEXT]; /* of a new domain; not read for extra accounts */
    struct str name;
    struct str forwarding; /* empty: none */
    enum provider provider;
    struct reserve_account *accounts;
    size_t n_accounts;
    /* List prices, for renewals. Those of the domain are not read for extra accounts. */
    cents year_price, month_price, mailbox_price;
    struct bill_line lines[LINE_KIND_END]; /* what is charged for it; domain_id is not read */
    size_t n_lines;
};

struct reservation {
    char order_id[UUID_TEXT];
    struct str workspace_id;
    enum order_type type;
    cents amount;            /* the sum of all lines' amounts */
    cents discount;          /* the sum of their discounts */
    int64_t price_version;   /* of the price book that priced it */
    struct str promotion_id; /* empty: none applied */
    bool over_limit;         /* a planted bug (step/world.h): the promotion's limits are not looked at */
    struct str card_token;
    int64_t checkout_expires_ms; /* until when the customer may pay on a page of the provider's; 0: it is charged */
    struct str payment_driver;   /* takes the money and gives it back; empty when there is nothing to charge */
    struct str card_brand, card_last4;
    struct str answer;          /* the answer to give once it is paid */
    struct str idempotency_key; /* empty: none */
    struct actor actor;
    int64_t now_ms;
    int64_t settle_after_ms; /* when others may take over: this process is then taken for dead */
    struct reserve_domain *domains;
    size_t n_domains;
};

/*
 * Looks again at what was judged: ERR_CONFLICT, and nothing changed, when a name was taken, stock sold, an address
 * used, a limit of mailboxes reached, the price book changed or the promotion used up since. The caller gathers facts
 * and prices anew. Counts the promotion as used; order_release gives it back.
 */
MUST_CHECK bool order_reserve(struct db *db, const struct reservation *reservation, struct error *reterr);
/*
 * Reserved -> placed. Writes domains' and accounts' states and all steps (due at NOW_MS), the stored answer of its
 * idempotency key, and the books: payment, ledger entries and invoice. REFERENCE: the payment provider's name for the
 * charge; empty when it has none. Settling a placed order again changes nothing. Called by refund_settle_order
 * (refunds.h), which gives back what cannot be had any more.
 */
MUST_CHECK bool order_settle(struct db *db, struct str order_id, struct str reference, int64_t now_ms,
                             struct error *reterr);
/*
 * Reserved -> payment_failed. DECLINE: the contract's word when the payment provider declined it, which is then listed
 * among the payments; empty when nothing was tried or it is not known what was. REASON: for people. Frees its
 * idempotency key unless ANSWER (may be empty) is to be stored for it. Repeatable.
 */
MUST_CHECK bool order_release(struct db *db, struct str order_id, struct str decline, struct str reason,
                              struct str answer, int64_t now_ms, struct error *reterr);

/* An order that waits for its charge to be known. */
struct unsettled {
    struct str id, workspace_id;
    struct str card_token, payment_driver;
    struct str checkout_reference; /* of the page the customer may be paying on; empty: none is known */
    int64_t checkout_expires_ms;   /* 0: the order is charged instead */
    int64_t attempts, created_ms;
    cents amount;
};

/*
 * Takes up to MAX reserved orders whose settle_after is at or before NOW_MS (all of them with EVEN_FRESH: at start,
 * when no other process can be at work) and moves their settle_after to LEASE_UNTIL_MS. Text from ARENA.
 */
MUST_CHECK bool order_claim_unsettled(struct db *db, int64_t now_ms, bool even_fresh, int64_t lease_until_ms,
                                      size_t max, struct arena *arena, struct unsettled **ret, size_t *ret_n,
                                      struct error *reterr);
/* Ask again at AGAIN_MS; counts the attempt and keeps REASON for people. */
MUST_CHECK bool order_postpone(struct db *db, struct str order_id, int64_t again_ms, struct str reason,
                               struct error *reterr);

/* Keeps REASON for people while the order is leased until LEASE_UNTIL_MS, and changes nothing when it is not. */
MUST_CHECK bool order_explain(struct db *db, struct str order_id, int64_t lease_until_ms, struct str reason,
                              struct error *reterr);

struct order_row {
    struct str id, workspace_id, reason;
    enum order_type type;
    enum order_state state;
    cents amount;
    int64_t created_ms, attempts, settle_after_ms;
    struct str checkout_url; /* of the page it is to be paid on; empty: none, or the order has ended */
    int64_t checkout_expires_ms;
    int64_t next_step_ms; /* in lists: when the next of its steps is tried; 0: none is open */
};

/* ERR_NOT_FOUND. */
MUST_CHECK bool order_get(struct db *db, struct str order_id, struct arena *arena, struct order_row *ret,
                          struct error *reterr);
/*
 * Newest first, at most MAX; a placed one has the first of its steps that failed or is tried again as its reason. Only
 * those with something unfinished, or failed and not given back or swapped yet, when STUCK; one whose customer may
 * still pay is not.
 */
MUST_CHECK bool order_list(struct db *db, bool stuck, size_t max, struct arena *arena, struct order_row **ret,
                           size_t *ret_n, struct error *reterr);
