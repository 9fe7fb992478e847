#include "model_renewals.h"

#include <stdio.h>
#include <string.h>

#include "history.h"
#include "hostile.h"
#include "model_calendar.h"

/* Tries until the end: at once, after 1, 3 and 7 days, then suspended and once more after 14 days; over after 21. */
enum { SUSPENDING = 4, TRIES = 5 };

/* What is paid for again and again. */
struct thing {
    const struct model_order *order;
    const struct model_domain *domain;
    const struct model_account *account; /* NULL: the domain itself */
    struct str id;
};

static bool find_account(const struct model *model, struct str id, struct thing *ret) {
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; j < model->orders[i].n_domains; j++) {
            const struct model_domain *domain = &model->orders[i].domains[j];
            for (size_t k = 0; k < domain->n_emails; k++) {
                if (!str_is(id, domain->accounts[k].id)) continue;
                *ret = (struct thing){&model->orders[i], domain, &domain->accounts[k], id};
                return true;
            }
        }
    return false;
}

static bool find_domain(const struct model *model, struct str id, struct thing *ret) {
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; model->orders[i].type != ORDER_EXTRA_ACCOUNTS && j < model->orders[i].n_domains; j++) {
            const struct model_domain *domain = &model->orders[i].domains[j];
            if (!domain->id[0] || !str_is(id, domain->id)) continue;
            *ret = (struct thing){&model->orders[i], domain, NULL, id};
            return true;
        }
    return false;
}

/* --- cancellations ----------------------------------------------------------------------------------------------- */

void model_bar_account(struct model *model, struct str account_id, struct str key) {
    struct model_account *account = model_find_account(model, account_id);
    if (!account || account->is_barred) return;
    account->is_barred = true;
    account->allowed_key = arena_str(model->arena, key);
}

void model_bar_domain(struct model *model, struct str domain_id, struct str key) {
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; model->orders[i].type != ORDER_EXTRA_ACCOUNTS && j < model->orders[i].n_domains; j++) {
            struct model_domain *domain = &model->orders[i].domains[j];
            if (!str_is(domain_id, domain->id) || domain->is_barred) continue;
            domain->is_barred = true;
            domain->allowed_key = arena_str(model->arena, key);
        }
}

/* --- periods ----------------------------------------------------------------------------------------------------- */

static int64_t period_end(const struct thing *thing, enum model_kind kind, int n) {
    return (kind == MODEL_YEAR ? model_year_end : model_month_end)(thing->order->ordered_ms, n);
}

/* Which renewal begins at FROM_MS: 1 is the first; 0: none does. */
static int period_of(const struct thing *thing, enum model_kind kind, int64_t from_ms) {
    int n = 1;
    while (period_end(thing, kind, n) < from_ms) n++;
    return period_end(thing, kind, n) == from_ms ? n : 0;
}

static const char *name_of(const struct thing *thing) {
    static char text[80];
    const struct model_domain *domain = thing->domain;
    struct str name = domain->name;
    for (size_t i = 0; thing->account && i < domain->n_emails; i++)
        if (&domain->accounts[i] == thing->account) name = domain->emails[i];
    snprintf(text, sizeof text, "%.*s", STR_ARG(name));
    return text;
}

static void take_item(struct model *model, const struct seen_item *item, const struct bank_row *row) {
    struct thing thing;
    bool is_known = item->account_id.n ? find_account(model, item->account_id, &thing)
                                       : find_domain(model, item->domain_id, &thing);
    if (!is_known || (item->account_id.n > 0) != (item->kind == MODEL_MAILBOX)) {
        model_break(model, "%.*s took money for something that was never ordered",
                    STR_ARG(history_id(item->renewal_id)));
        return;
    }
    const char *name = name_of(&thing);
    cents price = thing.domain->bill.unit[item->kind];
    if (item->amount != price)
        model_break(model, "%s was renewed for %lld cents, not %lld", name, (long long)item->amount, (long long)price);
    int n = period_of(&thing, item->kind, item->from_ms);
    if (n == 0 || item->to_ms != period_end(&thing, item->kind, n + 1))
        model_break(model, "%s was charged for a period that it does not have", name);
    if (row->at_ms < model_day(item->from_ms)) model_break(model, "%s was charged before its period began", name);
    bool is_barred = thing.account ? thing.account->is_barred : thing.domain->is_barred;
    struct str allowed = thing.account ? thing.account->allowed_key : thing.domain->allowed_key;
    if (is_barred && !str_eq(allowed, row->key))
        model_break(model, "%s was charged after its cancellation was told", name);
    for (size_t i = 0; i < model->n_paid; i++) {
        const struct model_paid *paid = &model->paid[i];
        if (paid->kind == item->kind && paid->from_ms == item->from_ms && str_eq(paid->thing, thing.id))
            model_break(model, "%s was charged twice for one period", name);
    }
    if (model->n_paid == MODEL_PAID) {
        model_break(model, "the model has no room for more periods");
        return;
    }
    model->paid[model->n_paid++] = (struct model_paid){
        .thing = arena_str(model->arena, thing.id),
        .key = arena_str(model->arena, row->key),
        .renewal_id = arena_str(model->arena, item->renewal_id),
        .kind = item->kind,
        .from_ms = item->from_ms,
        .to_ms = item->to_ms,
        .amount = item->amount,
    };
}

static bool is_taken(const struct model *model, struct str key) {
    for (size_t i = 0; i < model->n_paid; i++)
        if (str_eq(model->paid[i].key, key)) return true;
    return false;
}

/* A charge that was not looked at before, apart. */
static void take_charge(struct model *model, const struct seen_books *books, const struct bank_row *row) {
    const struct seen_renewal *renewal = NULL;
    for (size_t i = 0; i < books->n_renewals; i++)
        if (str_eq(books->renewals[i].payment_id, row->key)) renewal = &books->renewals[i];
    if (!renewal) {
        model_break(model, "the bank took %lld cents under a key that its renewal has forgotten",
                    (long long)row->amount);
        return;
    }
    cents sum = 0;
    for (size_t i = 0; i < books->n_items; i++) {
        if (!books->items[i].is_charged || !str_eq(books->items[i].renewal_id, renewal->id)) continue;
        take_item(model, &books->items[i], row);
        sum += books->items[i].amount;
    }
    if (sum != row->amount)
        model_break(model, "renewal %.*s took %lld cents for things of %lld", STR_ARG(history_id(renewal->id)),
                    (long long)row->amount, (long long)sum);
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static const struct seen_renewal *renewal_of(const struct seen_books *books, const struct seen_item *item) {
    for (size_t i = 0; i < books->n_renewals; i++)
        if (str_eq(books->renewals[i].id, item->renewal_id)) return &books->renewals[i];
    return NULL;
}

static bool is_item_of(const struct seen_item *item, struct str domain_id, struct str account_id,
                       enum model_kind kind) {
    return item->kind == kind && str_eq(item->domain_id, domain_id) && str_eq(item->account_id, account_id);
}

/* Whether the period from FROM_MS waits in a renewal that goes on at a known time. */
static bool is_waiting(const struct seen_books *books, struct str domain_id, struct str account_id,
                       enum model_kind kind, int64_t from_ms, int64_t now_ms) {
    for (size_t i = 0; i < books->n_items; i++) {
        const struct seen_item *item = &books->items[i];
        if (!is_item_of(item, domain_id, account_id, kind) || item->from_ms != from_ms) continue;
        const struct seen_renewal *renewal = renewal_of(books, item);
        if (renewal && (renewal->state == RENEWAL_DUE || renewal->state == RENEWAL_SUSPENDED) &&
            renewal->due_ms > now_ms)
            return true;
    }
    return false;
}

bool model_was_dunned(const struct seen_books *books, struct str domain_id, struct str account_id) {
    for (size_t i = 0; i < books->n_items; i++) {
        const struct seen_item *item = &books->items[i];
        if (!str_eq(item->domain_id, domain_id)) continue;
        /* An unpaid domain takes its mailboxes with it. */
        if (item->account_id.n && !str_eq(item->account_id, account_id)) continue;
        const struct seen_renewal *renewal = renewal_of(books, item);
        if (renewal && renewal->state == RENEWAL_CANCELLED) return true;
    }
    return false;
}

/* When THING was there to be paid for. */
static int64_t made_ms(const struct seen_books *books, const struct thing *thing, enum model_kind kind) {
    int64_t ms = kind == MODEL_YEAR ? 0 : INT64_MAX;
    for (size_t i = 0; kind == MODEL_YEAR && i < books->n_domains; i++)
        if (str_eq(books->domains[i].id, thing->id)) ms = books->domains[i].registered_ms;
    /* A domain's month begins with its first mailbox. */
    for (size_t i = 0; kind != MODEL_YEAR && i < books->n_accounts; i++) {
        const struct seen_account *account = &books->accounts[i];
        bool is_its = thing->account ? str_eq(account->id, thing->id) : str_is(account->domain_id, thing->domain->id);
        if (is_its && account->made_ms && account->made_ms < ms) ms = account->made_ms;
    }
    return ms;
}

static bool is_paid(const struct model *model, const struct thing *thing, enum model_kind kind, int64_t from_ms) {
    for (size_t i = 0; i < model->n_paid; i++)
        if (model->paid[i].kind == kind && model->paid[i].from_ms == from_ms && str_eq(model->paid[i].thing, thing->id))
            return true;
    return false;
}

/* What is used is paid for without a gap, or waits to be. A period that had begun when it was made is free. */
static void check_cover(struct model *model, const struct seen_books *books, const struct thing *thing,
                        enum model_kind kind, int64_t now_ms) {
    if (thing->domain->bill.unit[kind] == 0 || thing->domain->bill.quantity[kind] == 0) return;
    int64_t made = made_ms(books, thing, kind);
    struct str account_id = thing->account ? thing->id : STR("");
    for (int n = 1; period_end(thing, kind, n) <= now_ms; n++) {
        int64_t from_ms = period_end(thing, kind, n);
        if (is_paid(model, thing, kind, from_ms) || made >= from_ms) continue;
        /* Those after it wait, too. */
        if (is_waiting(books, str_of(thing->domain->id), account_id, kind, from_ms, now_ms)) return;
        model_break(model, "%s is used, but nobody pays for period %d", name_of(thing), n);
    }
}

/* The registrar does not renew it: it and its mailboxes are used until the year ends, and not charged for. */
static bool is_given_up(const struct seen_books *books, struct str domain_id) {
    for (size_t i = 0; i < books->n_domains; i++)
        if (str_eq(books->domains[i].id, domain_id)) return books->domains[i].is_not_renewed;
    return false;
}

/* The registrar was paid for each year that the customer paid for, and for no other. */
static void check_years(struct model *model, const struct thing *thing, const struct seen_domain *domain) {
    int64_t paid = 1;
    for (size_t i = 0; i < model->n_paid; i++)
        paid += model->paid[i].kind == MODEL_YEAR && str_eq(model->paid[i].thing, thing->id);
    if (domain->paid_years != domain->years || (thing->domain->bill.unit[MODEL_YEAR] > 0 && domain->paid_years != paid))
        model_break(model, "%s is registered for %lld years, %lld were wanted and %lld were paid", name_of(thing),
                    (long long)domain->years, (long long)domain->paid_years, (long long)paid);
}

static void check_covers(struct model *model, const struct seen_books *books, const bool *placed, int64_t now_ms) {
    struct thing thing;
    for (size_t i = 0; i < books->n_accounts; i++) {
        const struct seen_account *account = &books->accounts[i];
        if (account->state == ACCOUNT_READY && !is_given_up(books, account->domain_id) &&
            find_account(model, account->id, &thing))
            check_cover(model, books, &thing, MODEL_MAILBOX, now_ms);
    }
    for (size_t i = 0; i < books->n_domains; i++) {
        const struct seen_domain *domain = &books->domains[i];
        if ((domain->state != DOMAIN_READY && domain->state != DOMAIN_PARTIAL) || domain->is_not_renewed ||
            !find_domain(model, domain->id, &thing))
            continue;
        check_cover(model, books, &thing, MODEL_YEAR, now_ms);
        if (thing.order->type == ORDER_DFY) check_years(model, &thing, domain);
        check_cover(model, books, &thing, MODEL_MONTH, now_ms);
    }
    (void)placed;
}

/* Everything of a day that can be is charged together. */
static void check_days(struct model *model, const struct seen_books *books) {
    for (size_t i = 0; i < books->n_renewals; i++)
        for (size_t j = 0; j < i; j++) {
            const struct seen_renewal *a = &books->renewals[i], *b = &books->renewals[j];
            if (a->day_ms == b->day_ms && a->part == b->part && str_eq(a->workspace_id, b->workspace_id))
                model_break(model, "renewals %.*s and %.*s are for one day", STR_ARG(history_id(a->id)),
                            STR_ARG(history_id(b->id)));
        }
}

static void check_ended(struct model *model, const struct seen_renewal *renewal, int64_t now_ms) {
    const struct str id = history_id(renewal->id);
    if (renewal->state == RENEWAL_CHARGING) model_break(model, "renewal %.*s is charged for ever", STR_ARG(id));
    if ((renewal->state == RENEWAL_DUE || renewal->state == RENEWAL_SUSPENDED) && renewal->due_ms <= now_ms)
        model_break(model, "renewal %.*s is due, but nobody tries it", STR_ARG(id));
    if (renewal->state == RENEWAL_SUSPENDED && renewal->failures < SUSPENDING)
        model_break(model, "renewal %.*s was suspended after %lld tries", STR_ARG(id), (long long)renewal->failures);
    if (renewal->state == RENEWAL_CANCELLED && renewal->failures < TRIES)
        model_break(model, "renewal %.*s was cancelled after %lld tries", STR_ARG(id), (long long)renewal->failures);
}

void model_check_renewals(struct model *model, const struct seen_books *books, const bool *placed, int64_t now_ms,
                          bool is_quiet) {
    for (size_t i = 0; i < books->n_bank; i++) {
        const struct bank_row *row = &books->bank[i];
        if (!row->is_refund && !model_find_order(model, row->key) && !is_taken(model, row->key))
            take_charge(model, books, row);
    }
    check_days(model, books);
    if (!is_quiet) return;
    for (size_t i = 0; i < books->n_renewals; i++) check_ended(model, &books->renewals[i], now_ms);
    check_covers(model, books, placed, now_ms);
}
