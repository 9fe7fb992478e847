/*
 * quote: prices the good items of a checked order, to the cent. Pure.
 * A quote holds numbers only; item I of the quote belongs to item I of the check.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "core/check.h"
#include "core/prices.h"

struct quote_item {
    bool sold;            /* false: the item has a fault and costs nothing; the rest is 0 */
    cents domain_year;    /* domain_price */
    cents accounts_month; /* accounts_price: what its mailboxes cost a month */
    bool has_domain_month;
    cents domain_month; /* domain_monthly_price: Microsoft */
    cents total;        /* due now for this item */
    cents discount;
};

struct quote {
    struct quote_item *items;
    size_t n_items;
    int64_t n_domains;      /* good items; 0 for extra accounts, which order no domain */
    int64_t n_accounts;     /* mailboxes on good items */
    bool has_account_month; /* false: price_per_account_per_month is null, prices differ */
    cents account_month;
    bool mixed;                        /* Google and AirMail together at different prices: by-account-type is shown */
    bool uses[PROVIDER_END];           /* providers among the good items, or those asked for */
    cents mailbox_month[PROVIDER_END]; /* list price a mailbox, by provider */
    bool has_domain_month;             /* a Microsoft domain among them */
    cents domain_month;
    cents domain_year; /* price_per_domain_per_year; 0 for extra accounts */
    cents total_domains_year;
    cents total_accounts_month; /* mailboxes and Microsoft's monthly domain price: all that recurs monthly */
    cents total;                /* due now */
    cents discount;
};

/* With no good item, prices per unit are those of the items asked for, totals are 0. Fails with ERR_INVALID on
 * overflow. */
MUST_CHECK bool quote_make(const struct check *check, const struct prices *prices, struct arena *arena,
                           struct quote *ret_quote, struct error *reterr);
