/*
 * invoices: numbered documents, written once. Numbers grow by one and have no gap, as each is drawn in the transaction
 * that writes its document. books.c issues them.
 */
#pragma once

#include "core/invoice.h"
#include "store/db.h"

/* Who issues documents from now on: the setting `seller`. Changes nothing when it is that already. */
MUST_CHECK bool invoices_set_seller(struct db *db, struct str seller, struct error *reterr);
/* The lines of a bill, with names from ARENA. */
MUST_CHECK bool invoices_lines(struct db *db, struct str bill_id, struct arena *arena, struct invoice_line **ret,
                               size_t *ret_n, struct error *reterr);
/*
 * Writes INVOICE down. Its number, seller, the workspace's name and what a credit note credits are filled in here.
 * ERR_CONFLICT when there is one for the same bill or refund.
 */
MUST_CHECK bool invoices_issue(struct db *db, struct invoice *invoice, struct arena *arena, struct error *reterr);

/* An invoice on account. */
struct invoice_debt {
    char workspace_id[37];
    cents owed; /* what is still to be paid: its total less what was given back on account; 0: it is paid */
};

/* ERR_NOT_FOUND; ERR_CONFLICT when it is not an invoice on account. */
MUST_CHECK bool invoices_debt(struct db *db, int64_t number, struct invoice_debt *ret, struct error *reterr);
/* That it was paid, once. */
MUST_CHECK bool invoices_pay(struct db *db, int64_t number, cents amount, struct str note, int64_t now_ms,
                             struct error *reterr);
