/* bill: what an order or a renewal charges for, as values. The sum of its lines is what is charged. */
#pragma once

#include "core/money.h"

enum bill_kind { BILL_ORDER, BILL_RENEWAL, BILL_KIND_END };
enum line_kind { LINE_DOMAIN_YEAR, LINE_DOMAIN_MONTH, LINE_MAILBOX_MONTH, LINE_KIND_END };

/* "order", "renewal"; "domain_year", "domain_month", "mailbox_month". */
extern const char *const bill_kind_names[BILL_KIND_END];
extern const char *const line_kind_names[LINE_KIND_END];

/* One a domain and kind. */
struct bill_line {
    enum line_kind kind;
    struct str domain_id;
    int64_t quantity;       /* above 0 */
    cents unit;             /* list price */
    cents discount;         /* off quantity * unit */
    cents amount;           /* quantity * unit - discount */
    int64_t from_ms, to_ms; /* the period paid for; its end is not included */
};

/* The part of AMOUNT that falls to the PARTth of N equal parts (from 0), so that all parts add up to AMOUNT to the
 * cent.
 */
cents bill_share(cents amount, int64_t part, int64_t n);
