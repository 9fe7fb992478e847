/*
 * promotion: what is taken off the first charge of an order, never off its renewals. One promotion at most applies to
 * an order: the one that takes off most, of equal ones the older. Pure.
 */
#pragma once

#include "base/error.h"
#include "core/quote.h"

enum promotion_kind {
    PROMOTION_PERCENT,      /* of every line, each rounded down to the cent */
    PROMOTION_AMOUNT,       /* off the lines in their order, until it is used up */
    PROMOTION_FREE_DOMAINS, /* the first year of some domains, in their order */
    PROMOTION_FIRST_MONTH,  /* mailboxes' and Microsoft domains' first month */
    PROMOTION_KIND_END
};

extern const char *const promotion_kind_names[PROMOTION_KIND_END]; /* "free_domains" */

/* As it is open to one workspace. */
struct promotion {
    struct str id, name;
    enum promotion_kind kind;
    int64_t value;              /* percent: 1 to 100; amount: cents; free_domains: how many a workspace */
    int64_t domains_left;       /* free_domains: how many of those */
    bool has_limit;             /* only so many orders may use it */
    int64_t orders_left;        /* then: how many more of the workspace */
    int64_t starts_ms, ends_ms; /* INT64_MAX: open; the pure part does not look at them */
};

/*
 * What an operator says a promotion of KIND is worth, as struct promotion has it: "20" percent, "5.00" dollars, "3"
 * domains; 0 for first_month, which takes none. TEXT is empty when it was not said. ERR_INVALID says what would do;
 * DASHES stand before the names of what was asked for: "--" on the command line.
 */
MUST_CHECK bool promotion_read_value(enum promotion_kind kind, struct str text, const char *dashes, int64_t *ret,
                                     struct error *reterr);
/* What PROMOTION would take off QUOTE's list prices. */
cents promotion_worth(const struct promotion *promotion, const struct quote *quote);
/* Takes off QUOTE, which is at list price, what the best of PROMOTIONS (oldest first) takes off. None may be worth
 * anything; then the quote stays as it is. */
void promotion_apply(const struct promotion *promotions, size_t n, struct quote *quote);
