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

/* Adds it, by stmt_ask: payments_added has to follow in the transaction, and ROW's text to live until then. */
MUST_CHECK bool payments_ask_add(struct db *db, const struct payment_row *row, struct stmt **ret, struct error *reterr);
/* ERR_CONFLICT when the charge or refund ID has ended before. */
MUST_CHECK bool payments_added(struct stmt *asked, struct str id, struct error *reterr);

/* Of a workspace, newest first (by id, which sorts by age), those before the id BEFORE (empty: from the newest), at
 * most LIMIT. Text from ARENA. */
MUST_CHECK bool payments_page(struct db *db, struct str workspace_id, struct str before, size_t limit,
                              struct arena *arena, struct payment_row **ret, size_t *ret_n, struct error *reterr);
/* All charges and refunds of a bill, by when they ended. */
MUST_CHECK bool payments_of_bill(struct db *db, struct str bill_id, struct arena *arena, struct payment_row **ret,
                                 size_t *ret_n, struct error *reterr);
