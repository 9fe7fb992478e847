#include "model_refunds.h"

#include "history.h"

/* What a bill took for a domain, and what went back for it or is owed. */
struct part {
    cents paid;               /* all lines */
    cents mailboxes;          /* the line of its mailboxes */
    int64_t n_mailboxes;      /* on it */
    cents back;               /* refunds for the domain and for its mailboxes */
    size_t n_back, n_domains; /* how many of mailboxes, how many of the domain */
};

static struct part part_of(const struct seen_books *books, struct str bill_id, struct str domain_id) {
    struct part part = {0};
    for (size_t i = 0; i < books->n_lines; i++) {
        const struct seen_line *line = &books->lines[i];
        if (!str_eq(line->bill_id, bill_id) || !str_eq(line->domain_id, domain_id)) continue;
        part.paid += line->amount;
        if (line->kind != MODEL_MAILBOX) continue;
        part.mailboxes += line->amount;
        part.n_mailboxes += line->quantity;
    }
    for (size_t i = 0; i < books->n_refunds; i++) {
        const struct seen_refund *refund = &books->refunds[i];
        if (!str_eq(refund->bill_id, bill_id) || !str_eq(refund->domain_id, domain_id)) continue;
        if (refund->state == REFUND_SWAPPED) continue;
        part.back += refund->amount;
        if (refund->account_id.n)
            part.n_back++;
        else
            part.n_domains++;
    }
    return part;
}

static const struct seen_domain *find_domain(const struct seen_books *books, struct str id) {
    for (size_t i = 0; i < books->n_domains; i++)
        if (str_eq(books->domains[i].id, id)) return &books->domains[i];
    return NULL;
}

static const struct seen_account *find_account(const struct seen_books *books, struct str id) {
    for (size_t i = 0; i < books->n_accounts; i++)
        if (str_eq(books->accounts[i].id, id)) return &books->accounts[i];
    return NULL;
}

static const struct seen_refund *find_refund(const struct seen_books *books, struct str bill_id,
                                             struct str account_id) {
    for (size_t i = 0; i < books->n_refunds; i++)
        if (str_eq(books->refunds[i].bill_id, bill_id) && str_eq(books->refunds[i].account_id, account_id))
            return &books->refunds[i];
    return NULL;
}

/* What an operator gave back of a bill by hand may leave less for what fails later. */
static bool is_all_back(const struct seen_books *books, const struct model_order *order) {
    cents by_hand = 0, back = 0;
    for (size_t i = 0; i < books->n_refunds; i++) {
        const struct seen_refund *refund = &books->refunds[i];
        if (!str_is(refund->bill_id, order->id) || refund->state == REFUND_SWAPPED) continue;
        back += refund->amount;
        if (refund->domain_id.n == 0) by_hand += refund->amount;
    }
    return by_hand > 0 && back == order->amount;
}

/* Of mailboxes, each its equal part of their line, to the cent. */
static void check_share(struct model *model, const struct part *part, const struct seen_refund *refund) {
    cents least = part->mailboxes / part->n_mailboxes, most = least + (part->mailboxes % part->n_mailboxes > 0);
    if (refund->amount < least || refund->amount > most)
        model_break(model, "%lld cents go back for one of %lld mailboxes that cost %lld", (long long)refund->amount,
                    (long long)part->n_mailboxes, (long long)part->mailboxes);
}

/* A mailbox that was refused by itself. */
static void check_mailboxes(struct model *model, const struct seen_books *books, const struct model_order *order,
                            const struct model_domain *domain, const struct part *part) {
    for (size_t i = 0; i < domain->n_emails; i++) {
        const struct str id = str_of(domain->accounts[i].id);
        const struct seen_account *account = find_account(books, id);
        const struct seen_refund *refund = find_refund(books, str_of(order->id), id);
        bool may_be = account && (account->state == ACCOUNT_FAILED ||
                                  (account->state == ACCOUNT_CANCELLED && domain->email_lost[i]));
        if (refund && !may_be)
            model_break(model, "%.*s was delivered, but its money goes back", STR_ARG(domain->emails[i]));
        if (is_all_back(books, order)) continue;
        if (refund) check_share(model, part, refund);
        if (!refund && account && account->state == ACCOUNT_FAILED && part->mailboxes >= part->n_mailboxes &&
            part->mailboxes > 0)
            model_break(model, "%.*s was paid and not delivered, but its money does not go back",
                        STR_ARG(domain->emails[i]));
    }
}

static void check_order(struct model *model, const struct seen_books *books, const struct model_order *order) {
    for (size_t i = 0; i < order->n_domains; i++) {
        const struct model_domain *domain = &order->domains[i];
        const struct seen_domain *seen = find_domain(books, str_of(domain->id));
        const struct part part = part_of(books, str_of(order->id), str_of(domain->id));
        bool is_extra = order->type == ORDER_EXTRA_ACCOUNTS;
        if (domain->has_failed) {
            if (part.back != part.paid && !(part.back < part.paid && is_all_back(books, order)))
                model_break(model, "%.*s failed: %lld of %lld cents go back", STR_ARG(domain->name),
                            (long long)part.back, (long long)part.paid);
            continue;
        }
        /* Mailboxes that were bought while their domain was cancelled were never there. */
        if (part.n_domains && !(is_extra && seen && seen->state == DOMAIN_CANCELLED && part.back == part.paid))
            model_break(model, "the money for %.*s goes back, but it did not fail", STR_ARG(domain->name));
        if (!part.n_domains) check_mailboxes(model, books, order, domain, &part);
    }
}

/* --- renewals ---------------------------------------------------------------------------------------------------- */

static bool is_lost(const struct seen_books *books, const struct model_paid *paid) {
    const struct seen_account *account = find_account(books, paid->thing);
    const struct seen_domain *domain = find_domain(books, account ? account->domain_id : paid->thing);
    bool is_domain_lost = domain && (domain->state == DOMAIN_CANCELLED || domain->state == DOMAIN_FAILED);
    return is_domain_lost || (account && (account->state == ACCOUNT_CANCELLED || account->state == ACCOUNT_FAILED));
}

/* What of a renewal's money went back for one thing; a domain's refund takes in all of its mailboxes. */
static void check_renewal_refund(struct model *model, const struct seen_books *books,
                                 const struct seen_refund *refund) {
    cents taken = 0;
    bool any_lost = false;
    for (size_t i = 0; i < model->n_paid; i++) {
        const struct model_paid *paid = &model->paid[i];
        if (!str_eq(paid->renewal_id, refund->bill_id)) continue;
        const struct seen_account *account = find_account(books, paid->thing);
        bool is_its = refund->account_id.n ? str_eq(paid->thing, refund->account_id)
                                           : str_eq(account ? account->domain_id : paid->thing, refund->domain_id);
        if (!is_its) continue;
        taken += paid->amount;
        any_lost |= is_lost(books, paid);
    }
    const struct seen_domain *domain = find_domain(books, refund->domain_id);
    bool is_refused = domain && !refund->account_id.n && domain->is_not_renewed;
    const struct str id = history_id(refund->id);
    if (!any_lost && !is_refused)
        model_break(model, "refund %.*s of a renewal is for nothing that was lost", STR_ARG(id));
    if (refund->amount > taken)
        model_break(model, "refund %.*s gives back %lld of %lld cents", STR_ARG(id), (long long)refund->amount,
                    (long long)taken);
}

/* What was charged by a charge that was under way when its cancellation was told is given back. */
static void check_barred(struct model *model, const struct seen_books *books, const struct model_paid *paid) {
    const struct model_account *account = model_find_account(model, paid->thing);
    if (!account || !account->is_barred || !str_eq(account->allowed_key, paid->key) || paid->amount == 0) return;
    const struct seen_account *seen = find_account(books, paid->thing);
    for (size_t i = 0; i < books->n_refunds; i++) {
        const struct seen_refund *refund = &books->refunds[i];
        if (str_eq(refund->bill_id, paid->renewal_id) &&
            (str_eq(refund->account_id, paid->thing) ||
             (!refund->account_id.n && seen && str_eq(refund->domain_id, seen->domain_id))))
            return;
    }
    model_break(model,
                "a mailbox was renewed by a charge that was under way at its cancellation, and nothing goes back");
}

void model_check_refunds(struct model *model, const struct seen_books *books, const bool *placed) {
    for (size_t i = 0; i < model->n_orders; i++)
        if (placed[i]) check_order(model, books, &model->orders[i]);
    for (size_t i = 0; i < model->n_paid; i++) check_barred(model, books, &model->paid[i]);
    for (size_t i = 0; i < books->n_refunds; i++) {
        const struct seen_refund *refund = &books->refunds[i];
        const struct str id = history_id(refund->id);
        if (refund->domain_id.n && !model_find_order(model, refund->bill_id))
            check_renewal_refund(model, books, refund);
        if (refund->state == REFUND_WAITING || refund->state == REFUND_DUE || refund->state == REFUND_RUNNING)
            model_break(model, "refund %.*s never ends", STR_ARG(id));
        if (refund->state == REFUND_FAILED && !refund->is_refused)
            model_break(model, "refund %.*s failed, but nobody refused it", STR_ARG(id));
    }
}
