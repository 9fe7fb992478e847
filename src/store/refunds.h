/*
 * refunds: money that goes back, one row each from the decision to its end. step/refund.h pays them out.
 * A refund waits (for a swap), is due, running (leased), and ends done, failed (the provider refused it: still owed) or
 * swapped (store/swap.h).
 */
#pragma once

#include "base/ids.h"
#include "core/bill.h"
#include "store/db.h"

enum refund_state {
    REFUND_WAITING, /* until its time the customer may take something else instead */
    REFUND_DUE,
    REFUND_RUNNING, /* leased until its time */
    REFUND_DONE,
    REFUND_FAILED,  /* refused by the payment provider; still owed */
    REFUND_SWAPPED, /* something else was taken */
    REFUND_STATE_END
};

extern const char *const refund_state_names[REFUND_STATE_END]; /* "waiting" */

struct refund_request {
    enum bill_kind bill_kind;
    struct str bill_id;    /* the order or renewal that took the money */
    struct str domain_id;  /* what could not be delivered */
    struct str account_id; /* one mailbox of it; empty: all that the bill took for the domain and is not refunded yet */
    struct str why;        /* for people */
    int64_t wait_until_ms; /* until then the customer may take another domain instead; 0: it goes back at once */
    int64_t now_ms;
};

/*
 * Decides on a refund of what was paid: its amount comes from the bill, after discounts. Entered in the books. The same
 * thing of the same bill is refunded once: asking again changes nothing. *ret_amount: what this call decided on; 0 when
 * nothing was paid for it, or all of it is refunded already. After books_charged, in its transaction or a later one.
 */
MUST_CHECK bool refund_decide(struct db *db, struct ids *ids, const struct refund_request *request, cents *ret_amount,
                              struct error *reterr);
/* The same, of an AMOUNT that the caller read from the bill. */
MUST_CHECK bool refund_decide_amount(struct db *db, struct ids *ids, const struct refund_request *request, cents amount,
                                     cents *ret_amount, struct error *reterr);
/* refund_decide for all that was ever paid for a domain. REQUEST's bill and account are not read. */
MUST_CHECK bool refund_decide_domain(struct db *db, struct ids *ids, const struct refund_request *request,
                                     cents *ret_amount, struct error *reterr);
/* order_settle, and refund_decide for mailboxes of the order whose domain was lost before it was paid. */
MUST_CHECK bool refund_settle_order(struct db *db, struct ids *ids, struct str order_id, struct str reference,
                                    int64_t now_ms, struct error *reterr);
/*
 * An operator's: a part of a bill, for no thing in particular. ERR_NOT_FOUND: no such bill; ERR_CONFLICT: not paid, or
 * a refund; ERR_INVALID: more than is left of it.
 */
MUST_CHECK bool refund_make(struct db *db, struct ids *ids, struct str bill_id, cents amount, struct str why,
                            int64_t now_ms, char ret_id[UUID_TEXT], struct error *reterr);

struct refund {
    struct str id, workspace_id;
    enum bill_kind bill_kind;
    struct str bill_id, payment_id, payment_driver;
    struct str payment_reference;     /* the provider's name for the charge */
    struct str domain_id, account_id; /* empty: see the table */
    struct str domain, email;         /* their names */
    cents amount;
    enum refund_state state;
    struct str why, reason; /* why it goes back; why it is tried again or failed */
    int64_t attempts;       /* claims so far, this one too; also the fence */
    int64_t retries;        /* how often it was asked for again after it had failed */
    int64_t due_ms, created_ms, ended_ms;
};

/* Leases up to MAX refunds that are due, or whose lease ended, until LEASE_UNTIL_MS. Oldest first; text from ARENA. */
MUST_CHECK bool refund_claim(struct db *db, int64_t now_ms, int64_t lease_until_ms, size_t max, struct arena *arena,
                             struct refund **ret, size_t *ret_n, struct error *reterr);

struct refund_end {
    enum refund_state state; /* REFUND_DONE, REFUND_FAILED, or REFUND_DUE: once more at AGAIN_MS */
    struct str reference;    /* done: the provider's name for it */
    struct str reason;
    int64_t again_ms, now_ms;
};

/* Records how a claimed one ended, and enters it in the books. Does nothing, and *ret_stale is true, when the lease was
 * lost meanwhile. */
MUST_CHECK bool refund_record(struct db *db, const struct refund *refund, const struct refund_end *end, bool *ret_stale,
                              struct error *reterr);
/* A failed one is due again, one of its retries more. ERR_NOT_FOUND, ERR_CONFLICT (it did not fail). */
MUST_CHECK bool refund_retry(struct db *db, struct str id, int64_t now_ms, struct error *reterr);
/* Those of a domain that wait for a swap cannot be claimed until the end of this transaction: to be asked for before
 * they are looked at. */
MUST_CHECK bool refund_hold_waiting(struct db *db, struct str domain_id, struct error *reterr);
/* Gives up all leases; at start, when no other process can hold one. */
MUST_CHECK bool refund_free_all(struct db *db, int64_t now_ms, struct error *reterr);
/* When the next one is due, INT64_MAX when none. */
MUST_CHECK bool refund_next_due(struct db *db, int64_t *ret_ms, struct error *reterr);

struct refund_query {
    bool stuck;          /* only those that failed or are tried again */
    struct str bill_id;  /* empty: of all bills */
    struct str only_one; /* its id; empty: all */
    struct str before;   /* the id of the last of the page before; empty: from the newest */
    size_t max;
};

/* Newest first; text from ARENA. */
MUST_CHECK bool refund_list(struct db *db, const struct refund_query *query, struct arena *arena, struct refund **ret,
                            size_t *ret_n, struct error *reterr);
