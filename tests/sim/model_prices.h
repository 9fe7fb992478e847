/*
 * model_prices: the operator's prices and promotions, as the model keeps them, and what an order costs by them.
 * Written from the description of the price book alone.
 */
#pragma once

#include "base/ids.h"
#include "core/money.h"
#include "core/order.h"

enum { MODEL_PRICES = 64, MODEL_PROMOTIONS = 12, MODEL_EVERYONE = -1 };

/* What can be on a bill of one domain. */
enum model_kind { MODEL_YEAR, MODEL_MONTH, MODEL_MAILBOX, MODEL_KINDS };

/* In the words of the price book. */
struct model_price {
    int workspace; /* or MODEL_EVERYONE */
    const char *name;
    cents amount; /* -1: back to what it was without entries for this workspace */
    int64_t starts_ms, version;
};

enum model_promotion_kind { MODEL_PERCENT, MODEL_AMOUNT, MODEL_FREE_DOMAINS, MODEL_FIRST_MONTH, MODEL_PROMOTION_KINDS };

struct model_promotion {
    char id[UUID_TEXT];
    int workspace; /* or MODEL_EVERYONE */
    enum model_promotion_kind kind;
    int64_t value, starts_ms, ends_ms, max_orders, max_orders_each;
};

struct model_price_book {
    struct model_price prices[MODEL_PRICES];
    size_t n_prices;
    struct model_promotion promotions[MODEL_PROMOTIONS];
    size_t n_promotions;
};

/* One domain of an order: what is due now, by kind. */
struct model_bill {
    int64_t quantity[MODEL_KINDS];
    cents unit[MODEL_KINDS], discount[MODEL_KINDS];
};

/* How far a promotion was used when an order came, by orders that hold or used it. */
struct model_uses {
    int64_t orders, orders_each, domains_each;
};

cents model_price(const struct model_price_book *book, int workspace, const char *name, int64_t now_ms);
/* Without discount. */
struct model_bill model_bill(const struct model_price_book *book, int workspace, enum order_type type,
                             enum provider provider, size_t accounts, int64_t now_ms);
/* Whether it may be used by an order of WORKSPACE at NOW_MS. */
bool model_promotion_runs(const struct model_promotion *promotion, int workspace, int64_t now_ms,
                          const struct model_uses *uses);
/* Fills in the discounts of an order's bills; returns their sum. */
cents model_discount(const struct model_promotion *promotion, const struct model_uses *uses, struct model_bill *bills,
                     size_t n);
/* The promotion that takes most off BILLS, of equal ones the older; NULL when none takes anything. USES[i] is of
 * promotion i. */
const struct model_promotion *model_best_promotion(const struct model_price_book *book, const struct model_uses *uses,
                                                   int workspace, int64_t now_ms, struct model_bill *bills, size_t n);
/* Of all bills, after discounts. */
cents model_total(const struct model_bill *bills, size_t n);
