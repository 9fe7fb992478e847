/*
 * quote: prices the good items of a checked order, to the cent. Pure.
 * A quote holds numbers only; item I of the quote belongs to item I of the check.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "core/bill.h"
#include "core/check.h"
#include "core/prices.h"

/* One kind of thing that an item orders. */
struct quote_line {
    int64_t quantity; /* 0: none */
    cents unit;       /* list price of one */
    cents discount;   /* off all of them */
};

/* What is due now; discounts are taken off already. */
struct quote_item {
    bool sold;            /* false: the item has a fault and costs nothing; the rest is 0 */
    cents domain_year;    /* domain_price */
    cents accounts_month; /* accounts_price: its mailboxes' first month */
    bool has_domain_month;
    cents domain_month; /* domain_monthly_price: Microsoft */
    cents total;        /* of the three */
    cents discount;
    struct quote_line lines[LINE_KIND_END];
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
    /* Due now, after discounts. */
    cents total_domains_year;
    cents total_accounts_month; /* mailboxes and Microsoft's monthly domain price */
    cents total;                /* of both */
    cents discount;
    cents recurs_year, recurs_month; /* at list price: what renewals will cost */
    int64_t version;                 /* of the price book that priced it */
    struct str promotion_id;         /* empty: none applied */
};

/* With no good item, prices per unit are those of the items asked for, totals are 0. Fails with ERR_INVALID on
 * overflow. */
MUST_CHECK bool quote_make(const struct check *check, const struct prices *prices, struct arena *arena,
                           struct quote *ret_quote, struct error *reterr);
/* What ITEM of an order placed at NOW_MS is charged for; returns how many lines. Without domain_id, and without what
 * has no price. Their amounts add up to the item's total. */
size_t quote_bill(const struct quote_item *item, int64_t now_ms, struct bill_line ret[LINE_KIND_END]);
