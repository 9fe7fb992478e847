#include "model_swaps.h"

#include <stdio.h>
#include <string.h>

#include "history.h"

static bool has_account(const struct seen_books *books, struct str id) {
    for (size_t i = 0; i < books->n_accounts; i++)
        if (str_eq(books->accounts[i].id, id)) return true;
    return false;
}

static struct model_swap *find_swap(struct model *model, const struct seen_books *books, struct str old_id,
                                    struct str name) {
    for (size_t i = 0; i < model->n_swaps; i++) {
        struct model_swap *swap = &model->swaps[i];
        if (str_eq(swap->old_id, old_id) && str_eq(swap->name, name) &&
            (swap->n_accounts == 0 || has_account(books, str_of(swap->accounts[0].id))))
            return swap;
    }
    return NULL;
}

/* What went back for the old domain of this bill goes back no more. */
static bool is_dropped(const struct seen_books *books, struct str bill_id, struct str domain_id) {
    for (size_t i = 0; i < books->n_refunds; i++)
        if (str_eq(books->refunds[i].bill_id, bill_id) && str_eq(books->refunds[i].domain_id, domain_id) &&
            books->refunds[i].state == REFUND_SWAPPED)
            return true;
    return false;
}

static bool was_its(const struct model_domain *domain, struct str account_id) {
    for (size_t i = 0; i < domain->n_emails; i++)
        if (str_is(account_id, domain->accounts[i].id)) return true;
    return false;
}

/* Mailboxes that cost nothing come along, too, though nothing went back for them. */
static bool gave_a_mailbox(const struct model_domain *domain, const struct model_swap *swap) {
    for (size_t i = 0; i < swap->n_accounts; i++)
        if (was_its(domain, swap->accounts[i].old_id)) return true;
    return false;
}

/* What was paid for N mailboxes that were cancelled before the swap stays with the old domain, a line of its own. */
static void keep_cancelled(struct model *model, const struct seen_books *books, const struct model_order *order,
                           struct model_domain *old, struct model_bill *bill, int64_t n) {
    int64_t all = bill->quantity[MODEL_MAILBOX];
    cents unit = bill->unit[MODEL_MAILBOX], paid = all * unit - bill->discount[MODEL_MAILBOX];
    if (n == 0 || unit == 0) return;
    for (size_t i = 0; i < books->n_lines; i++) {
        const struct seen_line *line = &books->lines[i];
        if (!str_is(line->bill_id, order->id) || !str_is(line->domain_id, old->id)) continue;
        /* Equal parts to the cent. */
        if (line->quantity != n || line->amount < n * (paid / all) ||
            line->amount > n * (paid / all + (paid % all > 0)))
            break;
        old->bill.quantity[MODEL_MAILBOX] = n;
        old->bill.unit[MODEL_MAILBOX] = unit;
        old->bill.discount[MODEL_MAILBOX] = line->discount;
        bill->quantity[MODEL_MAILBOX] -= n;
        bill->discount[MODEL_MAILBOX] -= line->discount;
        return;
    }
    model_break(model, "%lld mailboxes of %.*s were cancelled before its swap, and what was paid for them is gone",
                (long long)n, STR_ARG(old->name));
}

/* The new domain is sold by the same order, for what was paid for the old one. */
static void add_domain(struct model *model, const struct seen_books *books, struct model_order *order, size_t at,
                       const struct model_swap *swap, struct str new_id) {
    struct model_domain *domains = ARENA_ARRAY(model->arena, order->n_domains + 1, struct model_domain);
    memcpy(domains, order->domains, order->n_domains * sizeof *domains);
    struct model_domain *old = &domains[at], *domain = &domains[order->n_domains];
    *domain = (struct model_domain){
        .name = swap->name,
        .bill = old->bill,
        .has_forwarding = old->has_forwarding,
        .forwarding = old->forwarding,
        .emails = ARENA_ARRAY(model->arena, swap->n_accounts, struct str),
        .email_lost = ARENA_ARRAY(model->arena, swap->n_accounts, bool),
        .accounts = ARENA_ARRAY(model->arena, swap->n_accounts, struct model_account),
    };
    snprintf(domain->id, UUID_TEXT, "%.*s", STR_ARG(new_id));
    for (size_t i = 0; i < swap->n_accounts; i++) {
        const struct model_swap_account *account = &swap->accounts[i];
        if (!was_its(old, account->old_id)) continue;
        snprintf(domain->accounts[domain->n_emails].id, UUID_TEXT, "%s", account->id);
        domain->emails[domain->n_emails++] =
            arena_printf(model->arena, "%.*s@%.*s", STR_ARG(account->prefix), STR_ARG(swap->name));
    }
    memset(&old->bill, 0, sizeof old->bill);
    keep_cancelled(model, books, order, old, &domain->bill, (int64_t)(old->n_emails - domain->n_emails));
    order->domains = domains;
    order->n_domains++;
}

static const struct seen_domain *find_domain(const struct seen_books *books, struct str id) {
    for (size_t i = 0; i < books->n_domains; i++)
        if (str_eq(books->domains[i].id, id)) return &books->domains[i];
    return NULL;
}

/* False when OLD is not known yet, as it was itself taken in place of another. */
static bool learn(struct model *model, const struct seen_books *books, const struct seen_domain *old,
                  const struct seen_domain *domain, struct model_swap *swap) {
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0, n = model->orders[i].n_domains; j < n; j++) {
            if (!str_is(old->id, model->orders[i].domains[j].id)) continue;
            swap->is_known = true;
            if (is_dropped(books, str_of(model->orders[i].id), old->id) ||
                gave_a_mailbox(&model->orders[i].domains[j], swap))
                add_domain(model, books, &model->orders[i], j, swap, domain->id);
        }
    return swap->is_known;
}

/* Whether one more was learned. */
static bool learn_some(struct model *model, const struct seen_books *books) {
    bool any = false;
    for (size_t i = 0; i < books->n_domains; i++) {
        const struct seen_domain *old = &books->domains[i];
        const struct seen_domain *domain = old->swapped_for.n ? find_domain(books, old->swapped_for) : NULL;
        if (!domain) continue;
        struct model_swap *swap = find_swap(model, books, old->id, domain->name);
        if (!swap)
            model_break(model, "nobody asked to swap %.*s for %.*s", STR_ARG(old->name), STR_ARG(domain->name));
        else if (!swap->is_known)
            any |= learn(model, books, old, domain, swap);
    }
    return any;
}

void model_learn_swaps(struct model *model, const struct seen_books *books) {
    while (!model_is_broken(model) && learn_some(model, books)) continue;
    for (size_t i = 0; i < model->n_swaps; i++)
        if (model->swaps[i].is_told && !model->swaps[i].is_known)
            model_break(model, "the swap for %.*s was told and is lost", STR_ARG(model->swaps[i].name));
}
