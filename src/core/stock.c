#include "core/stock.h"

enum { SHOWN_MAX = 100 }; /* bytes of what was wrong */

static struct str shown(struct str text) {
    if (text.n > SHOWN_MAX) text.n = SHOWN_MAX;
    return text;
}

static bool judge_domain(const struct order_item *asked, const struct rules *rules, const char *dashes,
                         struct arena *arena, struct str *ret, struct error *reterr) {
    struct str domain = shown(asked->domain), keyword = STR("");
    unsigned faults = check_domain(asked->domain, ORDER_PRE_WARMED_UP, rules, arena, ret, &keyword);
    if (faults & FAULT_INVALID_DOMAIN)
        return error_set(reterr, ERR_INVALID,
                         "%sdomain must be a name that a registry sells under com, org or co; not \"%.*s\"", dashes,
                         STR_ARG(domain));
    if (faults & FAULT_BLACKLISTED)
        return error_set(reterr, ERR_INVALID, "%.*s is restricted (%.*s) and could not be sold", STR_ARG(domain),
                         STR_ARG(keyword.n ? keyword : STR("block list")));
    return true;
}

static bool judge_accounts(const struct order_item *asked, const struct rules *rules, const char *dashes,
                           struct arena *arena, struct account *ret, struct error *reterr) {
    if (!asked->n_accounts)
        return error_set(reterr, ERR_INVALID, "%.*s has no mailbox; a pre-warmed domain is sold with those it has",
                         STR_ARG(shown(asked->domain)));
    struct order_item item = *asked;
    struct order order = {.type = ORDER_DFY, .items = &item, .n_items = 1};
    const struct check *check = check_words(&order, rules, arena);
    for (size_t i = 0; i < asked->n_accounts; i++) {
        const struct checked_account *account = &check->items[0].accounts[i];
        if (account->reason != REASON_NONE)
            return error_set(reterr, ERR_INVALID, "%saccount %.*s: %s", dashes,
                             STR_ARG(shown(asked->accounts[i].prefix)), check_reason_text(account->reason));
        ret[i] = account->account;
    }
    return true;
}

bool stock_judge(const struct order_item *asked, const struct rules *rules, const char *dashes, struct arena *arena,
                 struct stock *ret, struct error *reterr) {
    struct stock item = {
        .provider = (enum provider)asked->provider,
        .accounts = ARENA_ARRAY(arena, asked->n_accounts, struct account),
        .n_accounts = asked->n_accounts,
    };
    if (!judge_domain(asked, rules, dashes, arena, &item.domain, reterr) ||
        !judge_accounts(asked, rules, dashes, arena, item.accounts, reterr))
        return false;
    *ret = item;
    return true;
}
