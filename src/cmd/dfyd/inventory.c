#include <stdio.h>

#include "api/operator_detail.h"
#include "commands.h"
#include "core/name.h"
#include "core/restricted.h"
#include "setup.h"
#include "store/restrictions.h"
#include "table.h"
#include "told.h"

/* "prefix,First,Last" */
static bool parse_account(const char *text, struct account *ret, struct error *reterr) {
    struct str rest, last;
    struct account account = {.prefix = str_trim(str_cut(str_of(text), ',', &rest))};
    account.first_name = str_trim(str_cut(rest, ',', &last));
    account.last_name = str_trim(last);
    if (!account.prefix.n || !account.first_name.n || !account.last_name.n)
        return error_set(reterr, ERR_INVALID,
                         "--account must be PREFIX,FIRST,LAST, such as anna,Anna,Berg; not \"%.60s\"", text);
    *ret = account;
    return true;
}

struct addition {
    struct stock stock;
    struct audit_record record;
};

static bool add_change(struct db *db, void *arg, struct error *reterr) {
    const struct addition *a = arg;
    return inventory_add(db, &a->stock, a->record.now_ms, reterr) && told_of_business(db, a->record, reterr);
}

static bool read_item(const struct invocation *invocation, struct order_item *ret, struct error *reterr) {
    size_t n;
    const char *const *texts = invocation_values(invocation, "account", &n);
    struct order_item item = {
        .domain = str_of(invocation_value(invocation, "domain")),
        .provider = invocation_value(invocation, "provider")[0] - '0', /* one of the option's words */
        .accounts = ARENA_ARRAY(invocation->arena, n, struct account),
        .n_accounts = n,
    };
    for (size_t i = 0; i < n; i++)
        if (!parse_account(texts[i], &item.accounts[i], reterr)) return false;
    *ret = item;
    return true;
}

struct restricting {
    struct arena *arena;
    struct restriction *rows;
    size_t n;
};

static bool own_read(struct db *db, void *arg, struct error *reterr) {
    struct restricting *r = arg;
    return restrictions_list(db, r->arena, &r->rows, NULL, &r->n, reterr);
}

bool run_inventory_add(const struct invocation *invocation, struct error *reterr) {
    struct arena *arena = invocation->arena;
    struct order_item item;
    if (!read_item(invocation, &item, reterr)) return false;
    struct addition addition = {.record = told_record(invocation, ACTIVITY_INVENTORY_ADDED)};
    struct restricting restricting = {.arena = arena};
    if (!store_read(invocation->setup->store, own_read, &restricting, reterr)) return false;
    struct restricted *restricted = restricted_create_default(restricting.rows, restricting.n);
    struct rules rules = {.restricted = restricted};
    bool ok = stock_judge(&item, &rules, "--", arena, &addition.stock, reterr);
    if (ok) {
        addition.record.detail = operator_stock_detail(&addition.stock, 1, arena);
        ok = store_write(invocation->setup->store, add_change, &addition, reterr);
    }
    restricted_destroy(restricted);
    return ok;
}

struct listing {
    bool only_unsold;
    struct arena *arena;
    struct stock *stock;
    size_t n;
};

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    return inventory_list(db, l->only_unsold, l->arena, &l->stock, &l->n, reterr);
}

bool run_inventory_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"DOMAIN", "PROVIDER", "STATE", "MAILBOXES", NULL};
    struct arena *arena = invocation->arena;
    struct listing listing = {.only_unsold = invocation_has(invocation, "unsold"), .arena = arena};
    if (!store_read(invocation->setup->store, list_read, &listing, reterr)) return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < listing.n; i++) {
        const struct stock *stock = &listing.stock[i];
        struct str mailboxes = STR("");
        for (size_t j = 0; j < stock->n_accounts; j++)
            mailboxes = arena_printf(arena, "%.*s%s%.*s", STR_ARG(mailboxes), j ? ", " : "",
                                     STR_ARG(stock->accounts[j].prefix));
        table_add(table, (const struct str[]){stock->domain, str_of(provider_names[stock->provider]),
                                              stock->sold ? STR("sold") : STR("for sale"), mailboxes});
    }
    table_print(table, stdout);
    return true;
}

struct removal {
    struct str domain;
    struct audit_record record;
};

static bool remove_change(struct db *db, void *arg, struct error *reterr) {
    const struct removal *r = arg;
    return inventory_remove(db, r->domain, reterr) && told_of_business(db, r->record, reterr);
}

bool run_inventory_remove(const struct invocation *invocation, struct error *reterr) {
    struct str asked = str_of(invocation_value(invocation, "domain"));
    struct removal removal = {.record = told_record(invocation, ACTIVITY_INVENTORY_REMOVED)};
    if (!name_host(asked, invocation->arena, &removal.domain))
        return error_set(reterr, ERR_INVALID, "--domain must be a domain name, not \"%.*s\"", STR_ARG(asked));
    removal.record.detail = operator_removed_detail(removal.domain, invocation->arena);
    return store_write(invocation->setup->store, remove_change, &removal, reterr);
}
