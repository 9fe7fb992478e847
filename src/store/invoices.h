/*
 * invoices: numbered documents, written once. Numbers grow by one and have no gap, as each is drawn in the transaction
 * that writes its document. books.c issues them.
 */
#pragma once

#include "core/invoice.h"
#include "store/search.h"

/* Who issues documents from now on: the setting `seller`. Changes nothing when it is that already. */
MUST_CHECK bool invoices_set_seller(struct db *db, struct str seller, struct error *reterr);
/* Asks (stmt_ask) for the lines of a bill; invoices_lines reads them, with names from ARENA. */
MUST_CHECK bool invoices_ask_lines(struct db *db, struct str bill_id, struct stmt **ret, struct error *reterr);
MUST_CHECK bool invoices_lines(struct stmt *asked, struct arena *arena, struct invoice_line **ret, size_t *ret_n,
                               struct error *reterr);
/*
 * Writes INVOICE down. Its number, seller, the workspace's name, and what a credit note credits and is for, are filled
 * in here. ERR_CONFLICT when there is one for the same bill or refund.
 */
MUST_CHECK bool invoices_issue(struct db *db, struct invoice *invoice, struct arena *arena, struct error *reterr);

enum invoice_state { INVOICE_PAID, INVOICE_OWED, INVOICE_CREDITED, INVOICE_STATE_END };

/* "paid"; "owed": on account, not paid yet; "credited": on account, and all of it given back. A credit note is paid. */
extern const char *const invoice_state_names[INVOICE_STATE_END];

struct invoice_row {
    int64_t number, issued_ms;
    enum invoice_kind kind;
    struct str workspace_id;
    struct str order_id, renewal_id, refund_id; /* one of them: what it is about */
    struct str driver;
    cents total;
    enum invoice_state state;
    cents owed;          /* what is still to be paid */
    int64_t paid_ms;     /* 0: it is not */
    struct str document; /* empty in lists */
};

/* ERR_NOT_FOUND, also for another workspace's (of any when WORKSPACE_ID is empty). Text from ARENA, here and below. */
MUST_CHECK bool invoices_get(struct db *db, struct str workspace_id, int64_t number, struct arena *arena,
                             struct invoice_row *ret, struct error *reterr);
/* Newest first, those before the number BEFORE, at most LIMIT; of any workspace when WORKSPACE_ID is empty. */
MUST_CHECK bool invoices_page(struct db *db, struct str workspace_id, int64_t before, size_t limit, struct arena *arena,
                              struct invoice_row **ret, size_t *ret_n, struct error *reterr);
/*
 * Of search->workspace_id, newest first: search->before is a number as text, or empty; search->text an invoice's number
 * or part of the name of a domain that is on it. Without documents.
 */
MUST_CHECK bool invoices_search(struct db *db, const struct search *search, struct arena *arena,
                                struct invoice_row **ret, size_t *ret_n, struct error *reterr);
/* Those that a bill and its refunds have, by number. */
MUST_CHECK bool invoices_of_bill(struct db *db, struct str bill_id, struct arena *arena, struct invoice_row **ret,
                                 size_t *ret_n, struct error *reterr);
/* That an invoice was paid, once. */
MUST_CHECK bool invoices_pay(struct db *db, int64_t number, cents amount, struct str note, int64_t now_ms,
                             struct error *reterr);
