/*
 * payments: the charges and refunds that came to an end, well or not; one row each, written by books.c. A refund that
 * the provider refused and made later has the row of its success.
 */
#pragma once

#include "core/bill.h"
#include "store/db.h"

struct payment_row {
    struct str id, workspace_id;
    bool is_refund, failed;
    enum bill_kind bill_kind;
    struct str bill_id; /* the order or renewal that it is about */
    struct str driver, reference;
    cents amount;
    struct str decline, reason; /* of a failed one; decline: the contract's word, of a charge */
    struct str brand, last4;
    int64_t at_ms;
};

/* ERR_CONFLICT when the charge or refund has ended before. */
MUST_CHECK bool payments_add(struct db *db, const struct payment_row *row, struct error *reterr);
