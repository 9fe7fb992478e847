#include "store/ledger.h"

#include <stdio.h>

#include "commands.h"
#include "driver/payment/payment.h"
#include "driver/sandbox_book.h"
#include "files.h"
#include "prove.h"
#include "setup.h"
#include "step/reconcile.h"
#include "store/ledger_check.h"
#include "store/sandbox_clock.h"
#include "table.h"
#include "text.h"

/* More than these are counted, not shown. */
enum { SHOWN_MAX = 200 };

struct difference {
    struct str subject, problem;
    const char *todo;
    struct difference *next;
};

struct checking {
    struct store *store;
    const struct drivers *open;
    bool wants_all;
    struct arena *arena;
    struct ledger_checked checked[LEDGER_CHECKS];
    struct difference *first, **last;
    int64_t n;
    struct table *table;
    struct str *drivers;
    size_t n_drivers;
};

static void found(void *arg, struct str subject, struct str problem, const char *todo) {
    struct checking *c = arg;
    if (c->n++ >= SHOWN_MAX) return;
    struct difference *difference = ARENA_NEW(c->arena, struct difference);
    *difference = (struct difference){
        .subject = arena_str(c->arena, subject), .problem = arena_str(c->arena, problem), .todo = todo};
    *c->last = difference;
    c->last = &difference->next;
}

static bool check_read(struct db *db, void *arg, struct error *reterr) {
    struct checking *c = arg;
    return ledger_check(db, found, c, c->checked, reterr) &&
           ledger_drivers(db, c->arena, &c->drivers, &c->n_drivers, reterr);
}

static void add_row(struct checking *c, struct str what, int64_t looked_at, int64_t differences) {
    table_add(c->table, (const struct str[]){what, arena_printf(c->arena, "%lld", (long long)looked_at),
                                             arena_printf(c->arena, "%lld", (long long)differences)});
}

static bool check_driver(struct checking *c, struct payment *payment, struct error *reterr) {
    struct reconciled end;
    if (!reconcile_driver(c->store, payment, c->arena, found, c, &end, reterr)) return false;
    struct str what = arena_printf(c->arena, "the book of %s says the same", payment->ops->name);
    if (end.under_way) what = arena_printf(c->arena, "%.*s; %lld under way", STR_ARG(what), (long long)end.under_way);
    add_row(c, what, end.movements, end.differences);
    return true;
}

/* Those that are open, also when nothing here names them, and those that moved money and are not. */
static bool check_drivers(struct checking *c, struct error *reterr) {
    const struct drivers *drivers = c->open;
    if (drivers->payment && !check_driver(c, drivers->payment, reterr)) return false;
    if (drivers->credit && !check_driver(c, drivers->credit, reterr)) return false;
    for (size_t i = 0; i < c->n_drivers && c->wants_all; i++) {
        if (drivers_payment(drivers, c->drivers[i])) continue;
        add_row(c, arena_printf(c->arena, "the book of %.*s says the same", STR_ARG(c->drivers[i])), 0, 1);
        found(c, arena_printf(c->arena, "driver %.*s", STR_ARG(c->drivers[i])),
              STR("moved money, and its book was not asked"), "check again with the setting `payment` that opens it");
    }
    return true;
}

static void print_differences(const struct checking *c) {
    for (const struct difference *d = c->first; d; d = d->next) {
        const struct str pairs[] = {STR("difference"), d->subject,     STR("  what"),
                                    d->problem,        STR("  to do"), str_of(d->todo)};
        putchar('\n');
        table_print_pairs(pairs, ARRAY_LEN(pairs) / 2, stdout);
    }
    if (c->n > SHOWN_MAX) printf("\n%lld more are not shown\n", (long long)(c->n - SHOWN_MAX));
}

bool ledger_prove(struct store *store, const struct drivers *drivers, bool wants_all, struct arena *arena,
                  struct error *reterr) {
    static const char *const titles[] = {"CHECK", "LOOKED AT", "DIFFERENCES", NULL};
    struct checking c = {.store = store, .open = drivers, .wants_all = wants_all, .arena = arena};
    c.last = &c.first;
    c.table = table_create(c.arena, titles);
    if (!store_read(store, check_read, &c, reterr)) return false;
    for (size_t i = 0; i < LEDGER_CHECKS; i++)
        add_row(&c, str_of(c.checked[i].what), c.checked[i].looked_at, c.checked[i].differences);
    if (!check_drivers(&c, reterr)) return false;
    table_print(c.table, stdout);
    print_differences(&c);
    return !c.n || error_set(reterr, ERR_CONFLICT, "the books do not agree: %lld differences", (long long)c.n);
}

static bool clock_read(struct db *db, void *arg, struct error *reterr) {
    return sandbox_clock_get(db, arg, reterr);
}

bool ledger_prove_folder(struct store *store, const char *folder, struct arena *arena, struct error *reterr) {
    const char *path = files_path(arena, folder, "sandbox.db");
    struct drivers drivers = {0};
    if (!files_exist(path)) return ledger_prove(store, &drivers, false, arena, reterr);
    struct sandbox_clock ahead;
    struct sandbox_book *book;
    if (!store_read(store, clock_read, &ahead, reterr)) return false;
    struct clock clock = clock_sandbox(ahead.ahead_ms);
    if (!sandbox_book_open(path, &clock, &book, reterr)) return false;
    drivers.payment = payment_sandbox_create(book);
    bool ok = ledger_prove(store, &drivers, false, arena, reterr);
    drivers.payment->ops->destroy(drivers.payment);
    sandbox_book_close(book);
    return ok;
}

bool run_ledger_check(const struct invocation *invocation, struct error *reterr) {
    struct setup *setup = invocation->setup;
    return ledger_prove(setup->store, &setup->drivers, true, invocation->arena, reterr);
}

/* -- show */

struct showing {
    struct str account;
    struct arena *arena;
    struct ledger_balance *all;
    size_t n;
};

static bool show_read(struct db *db, void *arg, struct error *reterr) {
    struct showing *s = arg;
    return ledger_balances(db, s->account, s->arena, &s->all, &s->n, reterr);
}

static struct str signed_amount(cents amount, struct arena *arena) {
    if (amount >= 0) return text_amount(amount, arena);
    return arena_printf(arena, "-%.*s", STR_ARG(text_amount(-amount, arena)));
}

bool run_ledger_show(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"ACCOUNT", "ENTRIES", "DEBIT", "CREDIT", "BALANCE", NULL};
    struct arena *arena = invocation->arena;
    struct showing s = {.account = str_of(invocation_value(invocation, "account")), .arena = arena};
    if (!store_read(invocation->setup->store, show_read, &s, reterr)) return false;
    if (!s.n && s.account.n)
        return error_set(reterr, ERR_NOT_FOUND, "nothing is entered in %.*s; `dfyd ledger show` lists the accounts",
                         STR_ARG(s.account));
    struct table *table = table_create(arena, titles);
    cents debit = 0, credit = 0;
    for (size_t i = 0; i < s.n; i++) {
        debit += s.all[i].debit;
        credit += s.all[i].credit;
        table_add(table, (const struct str[]){
                             s.all[i].account,
                             arena_printf(arena, "%lld", (long long)s.all[i].entries),
                             text_amount(s.all[i].debit, arena),
                             text_amount(s.all[i].credit, arena),
                             signed_amount(s.all[i].debit - s.all[i].credit, arena),
                         });
    }
    table_add(table, (const struct str[]){STR("total"), STR(""), text_amount(debit, arena), text_amount(credit, arena),
                                          signed_amount(debit - credit, arena)});
    table_print(table, stdout);
    return true;
}
