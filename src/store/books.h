/*
 * books: what is written down whenever money moved, in the transaction of whoever moved it: the payment, its entries in
 * the double-entry ledger, and the numbered invoice or credit note. Every entry belongs to an order, a renewal, a
 * refund or a paid invoice.
 */
#pragma once

#include "core/bill.h"
#include "store/db.h"

/* A charge that ended. */
struct charged {
    enum bill_kind kind;
    struct str bill_id, workspace_id;
    struct str payment_id;        /* the key that it was made with; an order's is the order's id */
    struct str driver, reference; /* who took the money, and its name for the charge */
    struct str brand, last4;      /* of the card; empty when there is none */
    cents amount;                 /* the sum of the bill's lines */
    struct stmt *lines;           /* of invoices_ask_lines for the bill, when it was asked before; else NULL */
    int64_t now_ms;
};

/*
 * It was paid. The bill's lines are in bill_lines. A bill of 0 has no payment, but its discount is entered. Driver
 * "invoice": the money is owed, not had.
 */
MUST_CHECK bool books_charged(struct db *db, const struct charged *charge, struct error *reterr);
/* It was declined for REASON; DECLINE is the contract's word, or empty. No money moved. */
MUST_CHECK bool books_declined(struct db *db, const struct charged *charge, struct str decline, struct str reason,
                               struct error *reterr);

/* Money that goes back. */
struct refunded {
    struct str id, workspace_id; /* the refund's id is also its key */
    enum bill_kind bill_kind;
    struct str bill_id;
    struct str driver, reference; /* reference: the provider's name for the refund, once it is made */
    cents amount;
    struct str why; /* on the credit note */
    int64_t now_ms;
};

/* It was decided on: from now on it is owed to the customer. */
MUST_CHECK bool books_refund_owed(struct db *db, const struct refunded *refund, struct error *reterr);
/* The customer took something else instead: nothing is owed any more. */
MUST_CHECK bool books_refund_dropped(struct db *db, const struct refunded *refund, struct error *reterr);
/* It was made. */
MUST_CHECK bool books_refund_paid(struct db *db, const struct refunded *refund, struct error *reterr);
/* The provider refused it; it stays owed. */
MUST_CHECK bool books_refund_failed(struct db *db, const struct refunded *refund, struct str reason,
                                    struct error *reterr);
/* An invoice on account was paid from outside: no longer owed to us. ERR_NOT_FOUND, ERR_CONFLICT (not on account, or
 * paid before). NOTE: the operator's. */
MUST_CHECK bool books_invoice_paid(struct db *db, int64_t number, struct str note, int64_t now_ms,
                                   struct error *reterr);
