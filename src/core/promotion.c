#include "core/promotion.h"

enum { SHOWN_MAX = 40 }; /* bytes of what was wrong */

const char *const promotion_kind_names[PROMOTION_KIND_END] = {
    [PROMOTION_PERCENT] = "percent",
    [PROMOTION_AMOUNT] = "amount",
    [PROMOTION_FREE_DOMAINS] = "free_domains",
    [PROMOTION_FIRST_MONTH] = "first_month",
};

bool promotion_read_value(enum promotion_kind kind, struct str text, const char *dashes, int64_t *ret,
                          struct error *reterr) {
    const char *word = promotion_kind_names[kind];
    if (kind == PROMOTION_FIRST_MONTH) {
        if (text.n)
            return error_set(reterr, ERR_INVALID, "%skind %s takes no %svalue: all of it is free", dashes, word,
                             dashes);
        *ret = 0;
        return true;
    }
    if (!text.n) {
        static const char *const what[] = {[PROMOTION_PERCENT] = "how many percent",
                                           [PROMOTION_AMOUNT] = "how many US dollars",
                                           [PROMOTION_FREE_DOMAINS] = "how many domains a workspace"};
        return error_set(reterr, ERR_INVALID, "%skind %s needs %svalue: %s", dashes, word, dashes, what[kind]);
    }
    int shown = text.n > SHOWN_MAX ? SHOWN_MAX : (int)text.n;
    if (kind == PROMOTION_AMOUNT) {
        if (money_parse(text, ret)) return true;
        return error_set(reterr, ERR_INVALID,
                         "%svalue must be US dollars, the one currency there is, such as 5.00; not \"%.*s\"", dashes,
                         shown, text.p);
    }
    if (str_to_int(text, 1, INT32_MAX, ret)) return true;
    return error_set(reterr, ERR_INVALID, "%svalue must be a whole number from 1 for %skind %s; not \"%.*s\"", dashes,
                     dashes, word, shown, text.p);
}

/* What a promotion has for the lines that follow: cents or domains. */
static int64_t whole(const struct promotion *promotion) {
    return promotion->kind == PROMOTION_FREE_DOMAINS ? promotion->domains_left : promotion->value;
}

static cents off_line(const struct promotion *promotion, enum line_kind kind, const struct quote_line *line,
                      int64_t *left) {
    /* A quote is at most CENTS_MAX, so nothing here leaves 64 bits. */
    cents list = line->quantity * line->unit;
    switch (promotion->kind) {
    case PROMOTION_PERCENT:
        return list * promotion->value / 100;
    case PROMOTION_AMOUNT: {
        cents off = list < *left ? list : *left;
        *left -= off;
        return off;
    }
    case PROMOTION_FREE_DOMAINS:
        if (kind != LINE_DOMAIN_YEAR || list == 0 || *left <= 0) return 0;
        --*left;
        return list;
    case PROMOTION_FIRST_MONTH:
        return kind == LINE_DOMAIN_YEAR ? 0 : list;
    case PROMOTION_KIND_END:
        break;
    }
    return 0;
}

cents promotion_worth(const struct promotion *promotion, const struct quote *quote) {
    int64_t left = whole(promotion);
    cents worth = 0;
    for (size_t i = 0; i < quote->n_items; i++)
        for (int kind = 0; kind < LINE_KIND_END; kind++)
            worth += off_line(promotion, (enum line_kind)kind, &quote->items[i].lines[kind], &left);
    return worth;
}

/* What the item says of a kind of line, after discounts. */
static cents *price_of(struct quote_item *item, enum line_kind kind) {
    if (kind == LINE_DOMAIN_YEAR) return &item->domain_year;
    return kind == LINE_DOMAIN_MONTH ? &item->domain_month : &item->accounts_month;
}

static void take_off(const struct promotion *promotion, struct quote *quote) {
    int64_t left = whole(promotion);
    for (size_t i = 0; i < quote->n_items; i++) {
        struct quote_item *item = &quote->items[i];
        for (int kind = 0; kind < LINE_KIND_END; kind++) {
            cents off = off_line(promotion, (enum line_kind)kind, &item->lines[kind], &left);
            item->lines[kind].discount = off;
            *price_of(item, (enum line_kind)kind) -= off;
            *(kind == LINE_DOMAIN_YEAR ? &quote->total_domains_year : &quote->total_accounts_month) -= off;
            item->total -= off;
            item->discount += off;
        }
        quote->total -= item->discount;
        quote->discount += item->discount;
    }
    quote->promotion_id = promotion->id;
}

void promotion_apply(const struct promotion *promotions, size_t n, struct quote *quote) {
    const struct promotion *best = NULL;
    cents most = 0;
    for (size_t i = 0; i < n; i++) {
        cents worth = promotion_worth(&promotions[i], quote);
        if (worth <= most) continue;
        most = worth;
        best = &promotions[i];
    }
    if (best) take_off(best, quote);
}
