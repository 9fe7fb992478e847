#include "model_prices.h"

#include <string.h>

/* The standard prices of the contract, written down once more: the program's own table may be wrong. A price without
 * one of its own is that of another. */
static const struct {
    const char *name;
    cents standard;
    const char *follows;
} standard[] = {
    {"domain_year", 1500, NULL},
    {"google_mailbox_month", 500, NULL},
    {"airmail_mailbox_month", 400, NULL},
    {"microsoft_mailbox_month", 0, NULL},
    {"microsoft_domain_month", 2000, NULL},
    {"pre_warmed_domain_year", 1500, NULL},
    {"pre_warmed_mailbox_month", 1000, NULL},
    {"extra_google_mailbox_month", 0, "google_mailbox_month"},
    {"extra_airmail_mailbox_month", 0, "airmail_mailbox_month"},
    {"pre_warmed_google_mailbox_month", 0, "pre_warmed_mailbox_month"},
    {"pre_warmed_airmail_mailbox_month", 0, "pre_warmed_mailbox_month"},
    {"pre_warmed_microsoft_mailbox_month", 0, "pre_warmed_mailbox_month"},
};

/* The entry that started last for WORKSPACE; of two that started together the later one. */
static const struct model_price *newest(const struct model_price_book *book, int workspace, const char *name,
                                        int64_t now_ms) {
    const struct model_price *found = NULL;
    for (size_t i = 0; i < book->n_prices; i++) {
        const struct model_price *price = &book->prices[i];
        if (price->workspace != workspace || strcmp(price->name, name) != 0 || price->starts_ms > now_ms) continue;
        if (!found || price->starts_ms > found->starts_ms ||
            (price->starts_ms == found->starts_ms && price->version > found->version))
            found = price;
    }
    return found && found->amount >= 0 ? found : NULL;
}

cents model_price(const struct model_price_book *book, int workspace, const char *name, int64_t now_ms) {
    const struct model_price *price = newest(book, workspace, name, now_ms);
    if (!price) price = newest(book, MODEL_EVERYONE, name, now_ms);
    if (price) return price->amount;
    for (size_t i = 0; i < ARRAY_LEN(standard); i++)
        if (strcmp(standard[i].name, name) == 0)
            return standard[i].follows ? model_price(book, workspace, standard[i].follows, now_ms)
                                       : standard[i].standard;
    return -1;
}

struct model_bill model_bill(const struct model_price_book *book, int workspace, enum order_type type,
                             enum provider provider, size_t accounts, int64_t now_ms) {
    static const char *const mailbox[3][PROVIDER_END] = {
        [ORDER_DFY] = {NULL, "google_mailbox_month", "airmail_mailbox_month", "microsoft_mailbox_month"},
        [ORDER_PRE_WARMED_UP] = {NULL, "pre_warmed_google_mailbox_month", "pre_warmed_airmail_mailbox_month",
                                 "pre_warmed_microsoft_mailbox_month"},
        [ORDER_EXTRA_ACCOUNTS] = {NULL, "extra_google_mailbox_month", "extra_airmail_mailbox_month", NULL},
    };
    struct model_bill bill = {0};
    if (type != ORDER_EXTRA_ACCOUNTS) {
        bill.quantity[MODEL_YEAR] = 1;
        bill.unit[MODEL_YEAR] =
            model_price(book, workspace, type == ORDER_DFY ? "domain_year" : "pre_warmed_domain_year", now_ms);
    }
    if (type == ORDER_DFY && provider == PROVIDER_MICROSOFT) {
        bill.quantity[MODEL_MONTH] = 1;
        bill.unit[MODEL_MONTH] = model_price(book, workspace, "microsoft_domain_month", now_ms);
    }
    bill.quantity[MODEL_MAILBOX] = (int64_t)accounts;
    bill.unit[MODEL_MAILBOX] = model_price(book, workspace, mailbox[type][provider], now_ms);
    return bill;
}

bool model_promotion_runs(const struct model_promotion *promotion, int workspace, int64_t now_ms,
                          const struct model_uses *uses) {
    return (promotion->workspace == MODEL_EVERYONE || promotion->workspace == workspace) &&
           now_ms >= promotion->starts_ms && now_ms < promotion->ends_ms &&
           (promotion->max_orders == 0 || uses->orders < promotion->max_orders) &&
           (promotion->max_orders_each == 0 || uses->orders_each < promotion->max_orders_each);
}

cents model_discount(const struct model_promotion *promotion, const struct model_uses *uses, struct model_bill *bills,
                     size_t n) {
    int64_t left = promotion->kind == MODEL_FREE_DOMAINS ? promotion->value - uses->domains_each : promotion->value;
    cents sum = 0;
    for (size_t i = 0; i < n; i++)
        for (int kind = 0; kind < MODEL_KINDS; kind++) {
            cents list = bills[i].quantity[kind] * bills[i].unit[kind], off = 0;
            switch (promotion->kind) {
            case MODEL_PERCENT:
                off = list * promotion->value / 100;
                break;
            case MODEL_AMOUNT:
                off = list < left ? list : left;
                left -= off;
                break;
            case MODEL_FREE_DOMAINS:
                if (kind == MODEL_YEAR && left > 0 && list > 0) off = list, left--;
                break;
            default:
                if (kind != MODEL_YEAR) off = list;
                break;
            }
            bills[i].discount[kind] = off;
            sum += off;
        }
    return sum;
}

const struct model_promotion *model_best_promotion(const struct model_price_book *book, const struct model_uses *uses,
                                                   int workspace, int64_t now_ms, struct model_bill *bills, size_t n) {
    const struct model_promotion *best = NULL;
    size_t at = 0;
    cents most = 0;
    for (size_t i = 0; i < book->n_promotions; i++) {
        const struct model_promotion *promotion = &book->promotions[i];
        if (!model_promotion_runs(promotion, workspace, now_ms, &uses[i])) continue;
        cents worth = model_discount(promotion, &uses[i], bills, n);
        if (worth < most || worth == 0 || (worth == most && strcmp(promotion->id, best->id) > 0)) continue;
        best = promotion;
        most = worth;
        at = i;
    }
    for (size_t i = 0; i < n; i++) memset(bills[i].discount, 0, sizeof bills[i].discount);
    if (best) model_discount(best, &uses[at], bills, n);
    return best;
}

cents model_total(const struct model_bill *bills, size_t n) {
    cents sum = 0;
    for (size_t i = 0; i < n; i++)
        for (int kind = 0; kind < MODEL_KINDS; kind++)
            sum += bills[i].quantity[kind] * bills[i].unit[kind] - bills[i].discount[kind];
    return sum;
}
