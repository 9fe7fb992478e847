#include "core/quote.h"

#include "core/calendar.h"

/* The prices of one order type. */
struct list {
    cents domain_year;
    cents domain_month[PROVIDER_END];
    bool has_domain_month[PROVIDER_END];
    cents mailbox_month[PROVIDER_END];
};

static struct list list_for(enum order_type type, const struct prices *prices) {
    struct list list = {.domain_year = 0};
    static const enum price mailbox_month[][PROVIDER_END] = {
        [ORDER_DFY] = {[PROVIDER_GOOGLE] = PRICE_GOOGLE_MAILBOX_MONTH,
                       [PROVIDER_AIRMAIL] = PRICE_AIRMAIL_MAILBOX_MONTH,
                       [PROVIDER_MICROSOFT] = PRICE_MICROSOFT_MAILBOX_MONTH},
        [ORDER_PRE_WARMED_UP] = {[PROVIDER_NONE] = PRICE_PRE_WARMED_MAILBOX_MONTH,
                                 [PROVIDER_GOOGLE] = PRICE_PRE_WARMED_GOOGLE_MAILBOX_MONTH,
                                 [PROVIDER_AIRMAIL] = PRICE_PRE_WARMED_AIRMAIL_MAILBOX_MONTH,
                                 [PROVIDER_MICROSOFT] = PRICE_PRE_WARMED_MICROSOFT_MAILBOX_MONTH},
        [ORDER_EXTRA_ACCOUNTS] = {[PROVIDER_GOOGLE] = PRICE_EXTRA_GOOGLE_MAILBOX_MONTH,
                                  [PROVIDER_AIRMAIL] = PRICE_EXTRA_AIRMAIL_MAILBOX_MONTH,
                                  [PROVIDER_MICROSOFT] = PRICE_MICROSOFT_MAILBOX_MONTH},
    };
    bool has_unknown = type == ORDER_PRE_WARMED_UP; /* a name that is not in stock has no provider */
    for (int p = has_unknown ? PROVIDER_NONE : PROVIDER_GOOGLE; p < PROVIDER_END; p++)
        list.mailbox_month[p] = prices->of[mailbox_month[type][p]];
    if (type == ORDER_PRE_WARMED_UP) list.domain_year = prices->of[PRICE_PRE_WARMED_DOMAIN_YEAR];
    if (type == ORDER_DFY) {
        list.domain_year = prices->of[PRICE_DOMAIN_YEAR];
        list.domain_month[PROVIDER_MICROSOFT] = prices->of[PRICE_MICROSOFT_DOMAIN_MONTH];
        list.has_domain_month[PROVIDER_MICROSOFT] = true;
    }
    return list;
}

static bool price_item(struct quote_item *ret, const struct checked_item *item, const struct list *list,
                       bool has_year) {
    enum provider p = item->provider;
    *ret = (struct quote_item){
        .sold = true,
        .has_domain_month = list->has_domain_month[p],
        .lines =
            {
                [LINE_DOMAIN_YEAR] = {.quantity = has_year, .unit = list->domain_year},
                [LINE_DOMAIN_MONTH] = {.quantity = list->has_domain_month[p], .unit = list->domain_month[p]},
                [LINE_MAILBOX_MONTH] = {.quantity = (int64_t)item->n_accounts, .unit = list->mailbox_month[p]},
            },
    };
    const struct quote_line *lines = ret->lines;
    return money_add(&ret->domain_year, list->domain_year, lines[LINE_DOMAIN_YEAR].quantity) &&
           money_add(&ret->domain_month, list->domain_month[p], lines[LINE_DOMAIN_MONTH].quantity) &&
           money_add(&ret->accounts_month, list->mailbox_month[p], lines[LINE_MAILBOX_MONTH].quantity) &&
           money_add(&ret->total, ret->domain_year, 1) && money_add(&ret->total, ret->accounts_month, 1) &&
           money_add(&ret->total, ret->domain_month, 1);
}

static bool add_item(struct quote *quote, const struct quote_item *item) {
    return money_add(&quote->total_domains_year, item->domain_year, 1) &&
           money_add(&quote->total_accounts_month, item->accounts_month, 1) &&
           money_add(&quote->total_accounts_month, item->domain_month, 1) && money_add(&quote->total, item->total, 1);
}

/* What one unit costs: of the good items, or, when there is none, of all that were asked for. */
static void set_unit_prices(struct quote *quote, const struct check *check, const struct list *list, bool any_good) {
    bool used[PROVIDER_END] = {false};
    for (size_t i = 0; i < check->n_items; i++)
        if (!any_good || quote->items[i].sold) used[check->items[i].provider] = true;

    quote->domain_year = list->domain_year;
    quote->account_month = list->mailbox_month[PROVIDER_GOOGLE];
    quote->has_account_month = true;
    bool first = true;
    for (int p = 0; p < PROVIDER_END; p++) {
        quote->mailbox_month[p] = list->mailbox_month[p];
        quote->uses[p] = used[p] && p != PROVIDER_NONE; /* a pre-warmed name that is not in stock has no provider */
        if (!used[p]) continue;
        if (first) quote->account_month = list->mailbox_month[p];
        if (quote->account_month != list->mailbox_month[p]) quote->has_account_month = false;
        first = false;
        if (list->has_domain_month[p]) {
            quote->has_domain_month = true;
            quote->domain_month = list->domain_month[p];
        }
    }
    if (!quote->has_account_month) quote->account_month = 0;
    quote->mixed = used[PROVIDER_GOOGLE] && used[PROVIDER_AIRMAIL] &&
                   list->mailbox_month[PROVIDER_GOOGLE] != list->mailbox_month[PROVIDER_AIRMAIL];
}

bool quote_make(const struct check *check, const struct prices *prices, struct arena *arena, struct quote *ret_quote,
                struct error *reterr) {
    struct list list = list_for(check->type, prices);
    struct quote quote = {
        .items = ARENA_ARRAY(arena, check->n_items, struct quote_item),
        .n_items = check->n_items,
        .version = prices->version,
        .promotion_id = STR(""),
    };
    bool has_year = check->type != ORDER_EXTRA_ACCOUNTS;
    int64_t n_good = 0;
    for (size_t i = 0; i < check->n_items; i++) {
        const struct checked_item *item = &check->items[i];
        if (item->faults) continue;
        if (!price_item(&quote.items[i], item, &list, has_year) || !add_item(&quote, &quote.items[i]))
            return error_set(reterr, ERR_INVALID,
                             "the order is too large to be priced: split it into several smaller orders");
        n_good++;
        quote.n_accounts += (int64_t)item->n_accounts;
    }
    quote.n_domains = has_year ? n_good : 0;
    quote.recurs_year = quote.total_domains_year;
    quote.recurs_month = quote.total_accounts_month;
    set_unit_prices(&quote, check, &list, n_good > 0);
    *ret_quote = quote;
    return true;
}

size_t quote_bill(const struct quote_item *item, int64_t now_ms, struct bill_line ret[LINE_KIND_END]) {
    size_t n = 0;
    for (int kind = 0; kind < LINE_KIND_END; kind++) {
        const struct quote_line *line = &item->lines[kind];
        if (line->quantity == 0 || line->unit == 0) continue;
        ret[n++] = (struct bill_line){
            .kind = (enum line_kind)kind,
            .domain_id = STR(""),
            .quantity = line->quantity,
            .unit = line->unit,
            .discount = line->discount,
            .amount = line->quantity * line->unit - line->discount,
            .from_ms = now_ms,
            .to_ms = kind == LINE_DOMAIN_YEAR ? calendar_add_months(now_ms, 12) : calendar_first_15th(now_ms),
        };
    }
    return n;
}
