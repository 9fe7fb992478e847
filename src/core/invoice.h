/*
 * invoice: an invoice or credit note as values, and the JSON document that is stored of it and shown for ever after.
 * Pure. Amounts are cents here and dollars in the document.
 */
#pragma once

#include "core/bill.h"

enum invoice_kind { INVOICE_BILL, INVOICE_CREDIT_NOTE, INVOICE_KIND_END };

/* "invoice", "credit_note". */
extern const char *const invoice_kind_names[INVOICE_KIND_END];

struct invoice_line {
    struct bill_line line;
    struct str domain; /* its name */
};

struct invoice {
    int64_t number;
    enum invoice_kind kind;
    int64_t issued_ms;
    struct str seller; /* the setting; may be empty */
    struct str workspace_id, workspace_name;
    enum bill_kind bill_kind;
    struct str bill_id; /* the order or renewal */
    /* Of a credit note: the refund, what it is for (a domain or an address; empty: a part of the bill), why, and the
     * invoice that it credits (0: there is none). It has no lines. */
    struct str refund_id, subject, why;
    int64_t credits;
    struct invoice_line *lines;
    size_t n_lines;
    cents total; /* of an invoice: the sum of its lines, or what a bill without lines took */
    /* Who takes or took the money ("invoice": on account, later), its name for that, and what may be shown of the card.
     */
    struct str driver, reference, brand, last4;
};

/* What a line charges for, for people: "Domain". */
const char *invoice_line_words(enum line_kind kind);
/* Appends one line as an object. */
void invoice_line_json(struct buf *out, const struct invoice_line *line);
/* Appends the document. False when amounts leave the range of money. */
MUST_CHECK bool invoice_json(struct buf *out, const struct invoice *invoice);
