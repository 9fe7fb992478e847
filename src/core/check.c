#include "core/check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/name.h"
#include "core/restricted.h"

enum { SORT_BY_HAND = 16 };

struct keyed {
    struct str key;
    size_t at;
};

static int keyed_cmp(const void *a, const void *b) {
    const struct keyed *x = a, *y = b;
    int order = str_cmp(x->key, y->key);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/*
 * Sorts KEYS by text, then place, so that repeats stand after their first. Sorting, not hashing: clients choose the
 * texts and must not be able to make this slow.
 */
static void keyed_sort(struct keyed *keys, size_t n) {
    if (n > SORT_BY_HAND) {
        qsort(keys, n, sizeof *keys, keyed_cmp);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct keyed key = keys[i];
        size_t j = i;
        for (; j > 0 && keyed_cmp(&keys[j - 1], &key) > 0; j--) keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

static bool extension_is_sold(struct str extension, enum order_type type) {
    if (str_is(extension, "com") || str_is(extension, "org")) return true;
    return type != ORDER_DFY && str_is(extension, "co");
}

static bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* PREFIX in lower case. A strict part of what RFC 5321 allows: what every provider takes. */
static bool prefix_is_valid(struct str prefix) {
    if (prefix.n > PREFIX_MAX || !is_letter_or_digit(prefix.p[0]) || !is_letter_or_digit(prefix.p[prefix.n - 1]))
        return false;
    for (size_t i = 0; i < prefix.n; i++) {
        char c = prefix.p[i];
        if (c == '.' ? prefix.p[i - 1] == '.' : !is_letter_or_digit(c) && c != '_' && c != '-') return false;
    }
    return true;
}

/* ASKED as an account of domain NAME. */
static struct checked_account clean_account(const struct account *asked, struct str name, struct arena *arena) {
    size_t n = asked->prefix.n;
    char *email = arena_alloc(arena, n + 1 + name.n);
    for (size_t i = 0; i < n; i++) {
        char c = asked->prefix.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        email[i] = c;
    }
    email[n] = '@';
    if (name.n) memcpy(email + n + 1, name.p, name.n);
    return (struct checked_account){
        .account = {{email, n}, str_trim(asked->first_name), str_trim(asked->last_name)},
        .email = {email, n + 1 + name.n},
    };
}

static void clean_accounts(struct checked_item *item, const struct account *accounts, size_t n, struct arena *arena) {
    item->accounts = ARENA_ARRAY(arena, n, struct checked_account);
    item->n_accounts = n;
    for (size_t i = 0; i < n; i++) item->accounts[i] = clean_account(&accounts[i], item->name, arena);
}

/* What is wrong with it by itself. */
static enum account_reason judge_account(const struct checked_account *a) {
    if (!a->account.first_name.n) return REASON_NO_FIRST_NAME;
    if (!a->account.last_name.n) return REASON_NO_LAST_NAME;
    if (!str_trim(a->account.prefix).n) return REASON_NO_PREFIX;
    if (!prefix_is_valid(a->account.prefix)) return REASON_BAD_PREFIX;
    return REASON_NONE;
}

static void set_reason(struct checked_account *account, enum account_reason reason) {
    if (account->reason == REASON_NONE) account->reason = reason;
}

static void find_duplicates(struct checked_item *item, struct arena *arena) {
    if (item->n_accounts < 2) return;
    struct keyed *keys = ARENA_ARRAY(arena, item->n_accounts, struct keyed);
    size_t n = 0;
    for (size_t i = 0; i < item->n_accounts; i++)
        if (str_trim(item->accounts[i].account.prefix).n)
            keys[n++] = (struct keyed){item->accounts[i].account.prefix, i};
    keyed_sort(keys, n);
    for (size_t i = 1; i < n; i++)
        if (str_eq(keys[i - 1].key, keys[i].key)) set_reason(&item->accounts[keys[i].at], REASON_DUPLICATE);
}

/* Those that are there already or asked for twice take no seat: without them the rest may fit. */
static void limit_seats(struct checked_item *item, size_t taken) {
    size_t seats = taken;
    for (size_t i = 0; i < item->n_accounts; i++) {
        struct checked_account *account = &item->accounts[i];
        if (account->reason == REASON_DUPLICATE || account->reason == REASON_EXISTS) continue;
        if (seats++ >= ACCOUNTS_MAX) set_reason(account, REASON_TOO_MANY);
    }
}

static void judge_microsoft_count(struct checked_item *item) {
    if (item->n_accounts >= MICROSOFT_MIN && item->n_accounts <= MICROSOFT_MAX) return;
    for (size_t i = 0; i < item->n_accounts; i++) set_reason(&item->accounts[i], REASON_MICROSOFT_COUNT);
}

/* Sets or clears FAULT_INVALID_ACCOUNTS by the accounts' reasons. */
static void sum_reasons(struct checked_item *item) {
    item->faults &= ~(unsigned)FAULT_INVALID_ACCOUNTS;
    for (size_t i = 0; i < item->n_accounts; i++)
        if (item->accounts[i].reason != REASON_NONE) item->faults |= FAULT_INVALID_ACCOUNTS;
}

static void judge_accounts(struct checked_item *item, enum order_type type, struct arena *arena) {
    clean_accounts(item, item->asked->accounts, item->asked->n_accounts, arena);
    if (!item->n_accounts) {
        item->faults |= FAULT_NO_ACCOUNTS;
        return;
    }
    for (size_t i = 0; i < item->n_accounts; i++) item->accounts[i].reason = judge_account(&item->accounts[i]);
    find_duplicates(item, arena);
    if (item->provider != PROVIDER_MICROSOFT)
        limit_seats(item, 0);
    else if (type == ORDER_DFY)
        judge_microsoft_count(item);
    sum_reasons(item);
}

static void judge_provider(struct checked_item *item, const struct rules *rules) {
    if (rules->providers_off & 1U << item->provider) item->faults |= FAULT_PROVIDER_UNAVAILABLE;
}

unsigned check_domain(struct str text, enum order_type type, const struct rules *rules, struct arena *arena,
                      struct str *ret_name, struct str *ret_keyword) {
    *ret_name = text;
    if (!name_host(str_trim(text), arena, ret_name) || !name_is_registrable(*ret_name)) return FAULT_INVALID_DOMAIN;
    unsigned faults = 0;
    if (!extension_is_sold(name_extension(*ret_name), type)) faults |= FAULT_INVALID_DOMAIN;
    if (restricted_match(rules->restricted, rules->workspace_id, *ret_name, ret_keyword)) faults |= FAULT_BLACKLISTED;
    return faults;
}

/* Sets name, keyword and forwarding. */
static void judge_names(struct checked_item *item, enum order_type type, const struct rules *rules,
                        struct arena *arena) {
    const struct order_item *asked = item->asked;
    item->faults |= check_domain(asked->domain, type, rules, arena, &item->name, &item->keyword);
    struct str forwarding = str_trim(asked->forwarding);
    if (!forwarding.n) return;
    /* A text that is no name differs from every name. */
    if (name_host(forwarding, arena, &item->forwarding) && !str_eq(item->forwarding, item->name)) return;
    item->forwarding = STR("");
    item->faults |= FAULT_INVALID_FORWARDING;
}

/* The first of equal names stands, the later ones are refused. */
static void find_repeated_names(struct check *check, struct arena *arena) {
    if (check->n_items < 2) return;
    struct keyed *keys = ARENA_ARRAY(arena, check->n_items, struct keyed);
    for (size_t i = 0; i < check->n_items; i++) keys[i] = (struct keyed){check->items[i].name, i};
    keyed_sort(keys, check->n_items);
    for (size_t i = 1; i < check->n_items; i++)
        if (str_eq(keys[i - 1].key, keys[i].key)) check->items[keys[i].at].faults |= FAULT_INVALID_DOMAIN;
}

static void sum_faults(struct check *check) {
    check->faults = 0;
    for (size_t i = 0; i < check->n_items; i++) check->faults |= check->items[i].faults;
}

struct check *check_words(const struct order *order, const struct rules *rules, struct arena *arena) {
    struct check *check = ARENA_NEW(arena, struct check);
    check->type = (enum order_type)order->type;
    check->items = ARENA_ARRAY(arena, order->n_items, struct checked_item);
    check->n_items = order->n_items;
    for (size_t i = 0; i < order->n_items; i++) {
        struct checked_item *item = &check->items[i];
        item->asked = &order->items[i];
        judge_names(item, check->type, rules, arena);
        if (check->type == ORDER_PRE_WARMED_UP) continue; /* provider and mailboxes are the stock's */
        int64_t provider = item->asked->provider;
        assert(provider > PROVIDER_NONE && provider < PROVIDER_END);
        item->provider = (enum provider)provider;
        judge_provider(item, rules);
        judge_accounts(item, check->type, arena);
    }
    find_repeated_names(check, arena);
    sum_faults(check);
    return check;
}

bool check_needs_facts(const struct check *check, size_t i) {
    unsigned faults = check->items[i].faults;
    return check->type == ORDER_EXTRA_ACCOUNTS ? !(faults & FAULT_INVALID_DOMAIN) : !faults;
}

static void judge_stock(struct checked_item *item, const struct domain_facts *facts, const struct rules *rules,
                        struct arena *arena) {
    if (!facts->stocked || facts->sold) {
        item->faults |= FAULT_UNAVAILABLE;
        return;
    }
    item->provider = facts->provider;
    /* Not judged: the inventory is the operator's, and was judged when it was filled. */
    clean_accounts(item, facts->stock, facts->n_stock, arena);
    judge_provider(item, rules);
}

static bool is_among(struct str email, const struct str *addresses, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(email, addresses[i])) return true;
    return false;
}

static void judge_extra(struct checked_item *item, const struct domain_facts *facts) {
    if (!facts->mine) {
        item->faults |= FAULT_MISSING_ORDER;
        return;
    }
    if (facts->provider == PROVIDER_MICROSOFT) item->faults |= FAULT_UNSUPPORTED_PROVIDER;
    if (facts->provider != item->provider) item->faults |= FAULT_PROVIDER_MISMATCH;

    for (size_t i = 0; i < item->n_accounts; i++) {
        struct checked_account *account = &item->accounts[i];
        /* Counted anew: so far nothing was known of the mailboxes that are there. */
        if (account->reason == REASON_TOO_MANY || account->reason == REASON_EXISTS) account->reason = REASON_NONE;
        if (is_among(account->email, facts->addresses, facts->n_addresses)) set_reason(account, REASON_EXISTS);
    }
    if (facts->provider != PROVIDER_MICROSOFT) limit_seats(item, facts->n_addresses);
    sum_reasons(item);
}

void check_facts(struct check *check, const struct domain_facts *facts, const struct rules *rules,
                 struct arena *arena) {
    for (size_t i = 0; i < check->n_items; i++) {
        struct checked_item *item = &check->items[i];
        if (!check_needs_facts(check, i)) continue;
        if (check->type == ORDER_PRE_WARMED_UP)
            judge_stock(item, &facts[i], rules, arena);
        else if (check->type == ORDER_EXTRA_ACCOUNTS)
            judge_extra(item, &facts[i]);
        else if (facts[i].sold || facts[i].taken)
            item->faults |= FAULT_UNAVAILABLE;
    }
    sum_faults(check);
}

/* By bit number. */
static const char *const fault_names[] = {
    "invalid_domains",          "provider_unavailable", "blacklist_domains",     "invalid_forwarding_domains",
    "domains_without_accounts", "invalid_accounts",     "missing_domain_orders", "unsupported_provider",
    "provider_mismatch",        "unavailable_domains",
};

enum fault check_error(const struct check *check) {
    return (enum fault)(check->faults & -check->faults); /* the lowest bit */
}

const char *check_fault_name(enum fault fault) {
    for (size_t i = 0; i < ARRAY_LEN(fault_names); i++)
        if ((unsigned)fault == 1U << i) return fault_names[i];
    return "";
}

const char *check_reason_text(enum account_reason reason) {
    static const char *const texts[] = {
        [REASON_NONE] = "",
        [REASON_NO_FIRST_NAME] = "First name is required",
        [REASON_NO_LAST_NAME] = "Last name is required",
        [REASON_NO_PREFIX] = "Email address prefix is required",
        [REASON_BAD_PREFIX] = "Email address prefix is invalid",
        [REASON_DUPLICATE] = "Duplicate email address",
        [REASON_EXISTS] = "Email address already exists",
        [REASON_TOO_MANY] = "A domain can have at most 5 accounts",
        [REASON_MICROSOFT_COUNT] = "A Microsoft domain needs 50 to 100 accounts",
    };
    return texts[reason];
}
