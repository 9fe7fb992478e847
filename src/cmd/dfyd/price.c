#include <stdio.h>

#include "api/operator_detail.h"
#include "commands.h"
#include "nearest.h"
#include "setup.h"
#include "table.h"
#include "text.h"
#include "told.h"
#include "who.h"

struct job {
    const char *workspace; /* NULL: for everyone */
    struct arena *arena;
    int64_t at_ms;
    struct prices prices;
    struct price_change change;
    struct audit_record record;
};

/* The time that --FLAG says; now when it does not. */
static bool read_time(const struct invocation *invocation, const char *flag, int64_t *ret_ms, struct error *reterr) {
    const char *text = invocation_value(invocation, flag);
    *ret_ms = clock_now(&invocation->setup->clock);
    return !text || text_parse_time(flag, text, ret_ms, reterr);
}

/* -- list */

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct job *j = arg;
    struct str id;
    int64_t until_ms;
    return who_id(db, j->workspace, j->arena, &id, reterr) &&
           price_book_get(db, id, j->at_ms, &j->prices, &until_ms, reterr);
}

bool run_price_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"NAME", "AMOUNT", "STANDARD", "WHAT", NULL};
    struct arena *arena = invocation->arena;
    struct job job = {.workspace = invocation_value(invocation, "workspace"), .arena = arena};
    if (!read_time(invocation, "at", &job.at_ms, reterr)) return false;
    if (!store_read(invocation->setup->store, list_read, &job, reterr)) return false;
    struct table *table = table_create(arena, titles);
    struct prices standard = prices_standard();
    for (size_t i = 0; i < PRICE_END; i++)
        table_add(table, (const struct str[]){str_of(price_rows[i].name), text_amount(job.prices.of[i], arena),
                                              text_amount(standard.of[i], arena), str_of(price_rows[i].what)});
    table_print(table, stdout);
    return true;
}

/* -- add, end */

static bool tell(struct db *db, const struct job *j, const struct price_changed *changed, struct error *reterr) {
    struct audit_record record = j->record;
    struct price_version made;
    if (!price_book_find(db, changed->version, j->change.now_ms, j->arena, &made, reterr)) return false;
    record.detail = operator_price_detail(&made, changed->ended, j->arena);
    return told_of_business(db, record, reterr);
}

static bool change_book(struct db *db, void *arg, struct error *reterr) {
    const struct job *j = arg;
    struct price_change change = j->change;
    struct price_changed changed;
    return who_id(db, j->workspace, j->arena, &change.workspace_id, reterr) &&
           price_book_change(db, &change, &changed, reterr) && (!changed.version || tell(db, j, &changed, reterr));
}

static bool read_change(const struct invocation *invocation, const char *time, struct job *ret, struct error *reterr) {
    const char *name = invocation_value(invocation, "name");
    ret->workspace = invocation_value(invocation, "workspace");
    ret->arena = invocation->arena;
    ret->change.price = price_by_name(str_of(name));
    if (ret->change.price == PRICE_END) {
        const char *names[PRICE_END];
        for (size_t i = 0; i < PRICE_END; i++) names[i] = price_rows[i].name;
        const char *near = nearest_word(name, names, PRICE_END);
        if (near) return error_set(reterr, ERR_INVALID, "there is no price \"%.40s\"; did you mean %s?", name, near);
        return error_set(reterr, ERR_INVALID, "there is no price \"%.40s\"; `dfyd price list` shows all", name);
    }
    if (!read_time(invocation, time, &ret->change.starts_ms, reterr)) return false;
    /* Taken last, so that what starts now does not start in the past. */
    ret->record = told_record(invocation, ret->change.is_set ? ACTIVITY_PRICE_SET : ACTIVITY_PRICE_ENDED);
    ret->change.now_ms = ret->record.now_ms;
    if (!invocation_has(invocation, time)) ret->change.starts_ms = ret->change.now_ms;
    return true;
}

bool run_price_add(const struct invocation *invocation, struct error *reterr) {
    struct job job = {.change = {.is_set = true}};
    if (!read_change(invocation, "starts", &job, reterr)) return false;
    if (!price_read_amount(str_of(invocation_value(invocation, "amount")), "--", &job.change.amount, reterr))
        return false;
    return store_write(invocation->setup->store, change_book, &job, reterr);
}

bool run_price_end(const struct invocation *invocation, struct error *reterr) {
    struct job job = {0};
    return read_change(invocation, "at", &job, reterr) &&
           store_write(invocation->setup->store, change_book, &job, reterr);
}

/* -- history */

struct history {
    const char *workspace; /* NULL: all */
    struct arena *arena;
    size_t max;
    struct price_version *versions;
    size_t n;
};

static bool history_read(struct db *db, void *arg, struct error *reterr) {
    struct history *h = arg;
    struct price_query query = {.all = !h->workspace, .max = h->max};
    return who_id(db, h->workspace, h->arena, &query.workspace_id, reterr) &&
           price_book_history(db, &query, h->arena, &h->versions, &h->n, reterr);
}

bool run_price_history(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"VERSION", "STARTS", "NAME", "AMOUNT", "FOR", "MADE", NULL};
    struct arena *arena = invocation->arena;
    struct history history = {.workspace = invocation_value(invocation, "workspace"), .arena = arena};
    if (!invocation_limit(invocation, &history.max, reterr)) return false;
    if (!store_read(invocation->setup->store, history_read, &history, reterr)) return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < history.n; i++) {
        const struct price_version *v = &history.versions[i];
        table_add(table, (const struct str[]){
                             arena_printf(arena, "%lld", (long long)v->version), text_time(v->starts_ms, arena),
                             v->price, v->is_set ? text_amount(v->amount, arena) : STR("ended"),
                             who_said(v->workspace_id, v->workspace), text_time(v->created_ms, arena)});
    }
    table_print(table, stdout);
    return true;
}
