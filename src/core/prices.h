/* prices: the price book as values. One row a price; the command line, the store and the quote share the table. */
#pragma once

#include "base/error.h"
#include "core/money.h"
#include "core/order.h"

enum price {
    PRICE_DOMAIN_YEAR,
    PRICE_GOOGLE_MAILBOX_MONTH,
    PRICE_AIRMAIL_MAILBOX_MONTH,
    PRICE_MICROSOFT_MAILBOX_MONTH,
    PRICE_MICROSOFT_DOMAIN_MONTH,
    PRICE_EXTRA_GOOGLE_MAILBOX_MONTH,
    PRICE_EXTRA_AIRMAIL_MAILBOX_MONTH,
    PRICE_PRE_WARMED_DOMAIN_YEAR,
    PRICE_PRE_WARMED_MAILBOX_MONTH,
    PRICE_PRE_WARMED_GOOGLE_MAILBOX_MONTH,
    PRICE_PRE_WARMED_AIRMAIL_MAILBOX_MONTH,
    PRICE_PRE_WARMED_MICROSOFT_MAILBOX_MONTH,
    PRICE_END
};

struct price_row {
    const char *name; /* "google_mailbox_month" */
    cents standard;   /* what it costs until the operator says otherwise; of one that follows another: not read */
    const char *what; /* one line for people */
    bool follows;     /* while it is not set it is `followed` */
    enum price followed;
};

extern const struct price_row price_rows[PRICE_END];

struct prices {
    cents of[PRICE_END];
    int64_t version; /* which state of the book this is; 0: the standard prices */
};

struct prices prices_standard(void);
/* PRICE_END when there is no such name. */
enum price price_by_name(struct str name);

/* An operator's "4.50". ERR_INVALID says what would do; DASHES stand before the name of what was asked for: "--" on the
 * command line. */
MUST_CHECK bool price_read_amount(struct str text, const char *dashes, cents *ret, struct error *reterr);

/* What was set for everyone and for one workspace. All zero: nothing. */
struct price_settings {
    struct price_setting {
        bool is_set;
        cents amount;
    } everyone[PRICE_END], workspace[PRICE_END];
};

/* The workspace's own price, else everyone's, else that of the price it follows, found in the same way, else the
 * standard. The version is 0. */
struct prices prices_resolve(const struct price_settings *settings);
