/*
 * order_case: one block of cases/check.txt or cases/quote.txt as an order, its facts and rules. The head of
 * cases/check.txt says what the lines mean.
 */
#pragma once

#include "cases.h"
#include "core/check.h"
#include "core/promotion.h"
#include "core/restricted.h"

enum { CASE_ITEMS = 32, CASE_ACCOUNTS = 110, CASE_PROMOTIONS = 4 };

struct order_case {
    const struct case_line *lines; /* of the block */
    size_t n_lines;
    struct order order;
    struct rules rules;
    struct price_settings settings;
    struct prices prices; /* that follow from them */
    struct promotion promotions[CASE_PROMOTIONS];
    size_t n_promotions;
    struct domain_facts *facts; /* one an item */
};

static inline enum provider case_provider(const struct case_line *line, struct str word) {
    static const char *const words[] = {"none", "google", "airmail", "microsoft"};
    for (int i = 1; i < PROVIDER_END; i++)
        if (str_is(word, words[i])) return (enum provider)i;
    CASE_FAIL(line, "unknown provider '%.*s'", STR_ARG(word));
    return PROVIDER_NONE;
}

static inline struct account case_account(struct str value, struct arena *arena) {
    struct account ret;
    ret.prefix = cases_text(str_trim(str_cut(value, '|', &value)), arena);
    ret.first_name = cases_text(str_trim(str_cut(value, '|', &value)), arena);
    ret.last_name = cases_text(str_trim(value), arena);
    return ret;
}

/* "domain provider -> forwarding"; provider and forwarding may be left out. A domain with spaces stands in quotes. */
static inline void case_item(struct order_case *ret, const struct case_line *line, struct arena *arena) {
    if (ret->order.n_items == CASE_ITEMS) CASE_FAIL(line, "too many items");
    struct order_item *item = &ret->order.items[ret->order.n_items++];
    struct str rest = line->value, forwarding;
    if (rest.n && rest.p[0] == '"') {
        rest.p++, rest.n--;
        item->domain = cases_text(str_cut(rest, '"', &rest), arena);
        rest = str_trim(rest);
    } else {
        item->domain = cases_text(str_cut(rest, ' ', &rest), arena);
    }
    struct str provider = str_trim(str_cut(rest, '>', &forwarding));
    if (provider.n && provider.p[provider.n - 1] == '-') provider = str_trim((struct str){provider.p, provider.n - 1});
    item->provider = provider.n ? case_provider(line, provider) : PROVIDER_GOOGLE;
    item->forwarding = cases_text(str_trim(forwarding), arena);
    item->accounts = ARENA_ARRAY(arena, CASE_ACCOUNTS, struct account);
}

static inline void case_world(struct order_case *ret, const struct case_line *line) {
    struct domain_facts *facts = &ret->facts[ret->order.n_items - 1];
    struct str rest = line->value;
    while (rest.n) {
        struct str who, word = str_cut(str_trim(str_cut(rest, ',', &rest)), ' ', &who);
        if (str_is(word, "sold"))
            facts->sold = true;
        else if (str_is(word, "taken"))
            facts->taken = true;
        else if (str_is(word, "mine"))
            facts->sold = facts->mine = true, facts->provider = case_provider(line, who);
        else if (str_is(word, "stocked"))
            facts->stocked = true, facts->provider = case_provider(line, who);
        else
            CASE_FAIL(line, "unknown fact '%.*s'", STR_ARG(word));
    }
}

/* "NAME percent 20", "NAME amount 5.00", "NAME free_domains 3" (or "NAME free_domains 3 left 1"), "NAME first_month".
 */
static inline void case_promotion(struct order_case *ret, const struct case_line *line) {
    if (ret->n_promotions == CASE_PROMOTIONS) CASE_FAIL(line, "too many promotions");
    struct str kind, value, left;
    struct promotion promotion = {.name = str_cut(line->value, ' ', &kind)};
    promotion.id = promotion.name;
    kind = str_cut(kind, ' ', &value);
    value = str_cut(value, ' ', &left);
    while (promotion.kind < PROMOTION_KIND_END && !str_is(kind, promotion_kind_names[promotion.kind])) promotion.kind++;
    switch (promotion.kind) {
    case PROMOTION_AMOUNT:
        if (!money_parse(value, &promotion.value)) CASE_FAIL(line, "not an amount");
        break;
    case PROMOTION_PERCENT:
    case PROMOTION_FREE_DOMAINS:
        if (!str_to_int(value, 1, 100, &promotion.value)) CASE_FAIL(line, "not a number");
        break;
    case PROMOTION_FIRST_MONTH:
        break;
    case PROMOTION_KIND_END:
        CASE_FAIL(line, "unknown kind of promotion");
    }
    promotion.domains_left = promotion.value;
    if (left.n && (!str_is(str_cut(left, ' ', &left), "left") || !str_to_int(left, 0, 100, &promotion.domains_left)))
        CASE_FAIL(line, "say how many are left");
    ret->promotions[ret->n_promotions++] = promotion;
}

/* Reads one line that describes order or world; false when it is none of them: then it says what is expected. */
static inline bool case_input(struct order_case *ret, const struct case_line *line, struct arena *arena) {
    size_t n = ret->order.n_items;
    struct order_item *item = n ? &ret->order.items[n - 1] : NULL;
    struct domain_facts *facts = n ? &ret->facts[n - 1] : NULL;
    int64_t count;
    if (str_is(line->key, "case")) return true;
    if (str_is(line->key, "order")) {
        for (ret->order.type = 0; ret->order.type < 3; ret->order.type++)
            if (str_is(line->value, order_type_names[ret->order.type])) return true;
        CASE_FAIL(line, "unknown order type");
    }
    if (str_is(line->key, "off")) {
        ret->rules.providers_off |= 1U << case_provider(line, line->value);
        return true;
    }
    if (str_is(line->key, "price")) {
        struct str amount, name = str_cut(line->value, ' ', &amount);
        enum price price = price_by_name(name);
        if (price == PRICE_END || !money_parse(str_trim(amount), &ret->settings.everyone[price].amount))
            CASE_FAIL(line, "not a price");
        ret->settings.everyone[price].is_set = true;
        ret->prices = prices_resolve(&ret->settings);
        return true;
    }
    if (str_is(line->key, "promotion")) {
        case_promotion(ret, line);
        return true;
    }
    if (str_is(line->key, "item")) {
        case_item(ret, line, arena);
        return true;
    }
    if (!item || !facts) return false;
    if (str_is(line->key, "account")) {
        if (item->n_accounts == CASE_ACCOUNTS) CASE_FAIL(line, "too many accounts");
        item->accounts[item->n_accounts++] = case_account(line->value, arena);
    } else if (str_is(line->key, "accounts")) {
        if (!str_to_int(line->value, 1, CASE_ACCOUNTS, &count)) CASE_FAIL(line, "not a count");
        while (item->n_accounts < (size_t)count) {
            struct str prefix = arena_printf(arena, "user%zu", item->n_accounts + 1);
            item->accounts[item->n_accounts++] = (struct account){prefix, STR("User"), STR("Name")};
        }
    } else if (str_is(line->key, "world")) {
        case_world(ret, line);
    } else if (str_is(line->key, "has")) {
        struct str *all = ARENA_ARRAY(arena, facts->n_addresses + 1, struct str);
        for (size_t i = 0; i < facts->n_addresses; i++) all[i] = facts->addresses[i];
        all[facts->n_addresses++] = line->value;
        facts->addresses = all;
    } else if (str_is(line->key, "stock")) {
        struct account *all = ARENA_ARRAY(arena, facts->n_stock + 1, struct account);
        for (size_t i = 0; i < facts->n_stock; i++) all[i] = facts->stock[i];
        all[facts->n_stock++] = case_account(line->value, arena);
        facts->stock = all;
    } else {
        return false;
    }
    return true;
}

/* The block that starts at LINES. */
static inline struct order_case order_case_read(const struct case_line *lines, const struct restricted *restricted,
                                                struct arena *arena) {
    struct order_case ret = {
        .lines = lines,
        .order = {.items = ARENA_ARRAY(arena, CASE_ITEMS, struct order_item)},
        .rules = {.restricted = restricted},
        .prices = prices_standard(),
        .facts = ARENA_ARRAY(arena, CASE_ITEMS, struct domain_facts),
    };
    if (!str_is(lines->key, "case")) CASE_FAIL(lines, "a block starts with 'case: what it shows'");
    do case_input(&ret, &lines[ret.n_lines], arena);
    while (!lines[ret.n_lines++].ends_block);
    return ret;
}

/*
 * Judges it as the service does: words, then the database's facts, then again with the registrar's. Facts that are
 * not asked for are spoilt, and everything is asked once more, which must change nothing.
 */
static inline struct check *order_case_judge(const struct order_case *c, struct arena *arena) {
    struct check *check = check_words(&c->order, &c->rules, arena);
    struct domain_facts *facts = ARENA_ARRAY(arena, c->order.n_items, struct domain_facts);
    static const struct domain_facts spoilt = {.sold = true, .taken = true, .provider = PROVIDER_MICROSOFT};
    for (size_t i = 0; i < check->n_items; i++) {
        facts[i] = check_needs_facts(check, i) ? c->facts[i] : spoilt;
        if (check_needs_facts(check, i)) facts[i].taken = false;
    }
    check_facts(check, facts, &c->rules, arena);
    for (size_t i = 0; i < check->n_items; i++) facts[i].taken = check_needs_facts(check, i) ? c->facts[i].taken : true;
    check_facts(check, facts, &c->rules, arena);
    unsigned before = check->faults;
    check_facts(check, facts, &c->rules, arena);
    assert_int_equal(check->faults, before);
    return check;
}

/* Its quote, with what promotions take off. */
static inline struct quote order_case_quote(const struct order_case *c, const struct check *check,
                                            struct arena *arena) {
    struct quote quote;
    struct error error;
    if (!quote_make(check, &c->prices, arena, &quote, &error)) CASE_FAIL(c->lines, "%s", error.message);
    promotion_apply(c->promotions, c->n_promotions, &quote);
    return quote;
}
