#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "store/price_book.h"
#include "store/workspaces.h"
#include "table.h"
#include "text.h"

struct job {
    const char *workspace; /* NULL: for everyone */
    struct arena *arena;
    struct prices prices;
    enum price price;
    cents amount;
    bool unset;
    int64_t now_ms;
};

/* The workspace's id; empty for everyone. */
static bool find_id(struct db *db, const struct job *job, struct str *ret, struct error *reterr) {
    *ret = STR("");
    if (!job->workspace) return true;
    struct workspace *workspace = ARENA_NEW(job->arena, struct workspace);
    if (!workspace_find(db, str_of(job->workspace), job->arena, workspace, reterr)) return false;
    *ret = str_of(workspace->id);
    return true;
}

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct job *j = arg;
    struct str id;
    return find_id(db, j, &id, reterr) && price_book_get(db, id, &j->prices, reterr);
}

bool run_price_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"NAME", "AMOUNT", "STANDARD", "WHAT", NULL};
    struct arena *arena = invocation->arena;
    struct job job = {.workspace = invocation_value(invocation, "workspace"), .arena = arena};
    if (!store_read(invocation->setup->store, list_read, &job, reterr)) return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < PRICE_END; i++)
        table_add(table, (const struct str[]){str_of(price_rows[i].name), text_amount(job.prices.of[i], arena),
                                              text_amount(price_rows[i].standard, arena), str_of(price_rows[i].what)});
    table_print(table, stdout);
    return true;
}

static bool set_change(struct db *db, void *arg, struct error *reterr) {
    const struct job *j = arg;
    struct str id;
    if (!find_id(db, j, &id, reterr)) return false;
    if (j->unset) return price_book_unset(db, id, j->price, reterr);
    return price_book_set(db, id, j->price, j->amount, j->now_ms, reterr);
}

static bool read_price(const struct invocation *invocation, struct job *ret, struct error *reterr) {
    const char *name = invocation_value(invocation, "name");
    ret->workspace = invocation_value(invocation, "workspace");
    ret->arena = invocation->arena;
    ret->now_ms = clock_now(&invocation->setup->clock);
    ret->price = price_by_name(str_of(name));
    if (ret->price != PRICE_END) return true;
    struct str known = STR("");
    for (size_t i = 0; i < PRICE_END; i++)
        known = arena_printf(ret->arena, "%.*s%s%s", STR_ARG(known), i ? ", " : "", price_rows[i].name);
    return error_set(reterr, ERR_INVALID, "there is no price \"%.40s\"; there are %.*s", name, STR_ARG(known));
}

bool run_price_set(const struct invocation *invocation, struct error *reterr) {
    struct job job = {0};
    if (!read_price(invocation, &job, reterr)) return false;
    const char *amount = invocation_value(invocation, "amount");
    if (!money_parse(str_of(amount), &job.amount))
        return error_set(reterr, ERR_INVALID, "--amount must be dollars from 0 to %lld, such as 4.50; not \"%.40s\"",
                         (long long)(CENTS_MAX / 100), amount);
    return store_write(invocation->setup->store, set_change, &job, reterr);
}

bool run_price_unset(const struct invocation *invocation, struct error *reterr) {
    struct job job = {.unset = true};
    return read_price(invocation, &job, reterr) && store_write(invocation->setup->store, set_change, &job, reterr);
}
