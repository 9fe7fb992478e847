/* prices: the price book as values. One row a price; the command line, the store and the quote share the table. */
#pragma once

#include "core/money.h"
#include "core/order.h"

enum price {
    PRICE_DOMAIN_YEAR,
    PRICE_GOOGLE_MAILBOX_MONTH,
    PRICE_AIRMAIL_MAILBOX_MONTH,
    PRICE_MICROSOFT_MAILBOX_MONTH,
    PRICE_MICROSOFT_DOMAIN_MONTH,
    PRICE_PRE_WARMED_DOMAIN_YEAR,
    PRICE_PRE_WARMED_MAILBOX_MONTH,
    PRICE_END
};

struct price_row {
    const char *name; /* "google_mailbox_month" */
    cents standard;   /* what it costs until the operator says otherwise */
    const char *what; /* one line for people */
};

extern const struct price_row price_rows[PRICE_END];

struct prices {
    cents of[PRICE_END];
};

struct prices prices_standard(void);
/* PRICE_END when there is no such name. */
enum price price_by_name(struct str name);
