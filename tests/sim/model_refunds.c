#include "model_refunds.h"

#include "history.h"

/* What a bill took for a domain, and what went back for it or is owed. */
struct part {
    cents paid;          /* all lines */
    cents mailboxes;     /* the line of its mailboxes */
    int64_t n_mailboxes; /* on it */
    cents back;          /* refunds for the domain and for its mailboxes */
    size_t n_domains;    /* how many of the domain itself */
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
        part.n_domains += refund->account_id.n == 0;
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

/* What an operator gave back of a bill by hand leaves less for what fails. */
static cents given_by_hand(const struct seen_books *books, const struct model_order *order) {
    cents sum = 0;
    for (size_t i = 0; i < books->n_refunds; i++)
        if (str_is(books->refunds[i].bill_id, order->id) && books->refunds[i].domain_id.n == 0)
            sum += books->refunds[i].amount;
    return sum;
}

/* A mailbox that was refused by itself: its equal part of their line, to the cent. Returns what lacks. */
static cents check_mailbox(struct model *model, const struct seen_books *books, const struct model_order *order,
                           const struct model_domain *domain, size_t at, const struct part *part) {
    const struct str id = str_of(domain->accounts[at].id);
    const struct seen_account *account = find_account(books, id);
    const struct seen_refund *refund = find_refund(books, str_of(order->id), id);
    bool has_failed = account && account->state == ACCOUNT_FAILED;
    bool may_have = account && account->state == ACCOUNT_CANCELLED && domain->email_lost[at];
    if (refund && !has_failed && !may_have)
        model_break(model, "%.*s was delivered, but its money goes back", STR_ARG(domain->emails[at]));
    if (part->n_mailboxes == 0 || (!refund && !has_failed)) return 0;
    cents back = refund ? refund->amount : 0, least = part->mailboxes / part->n_mailboxes;
    if (back > least + (part->mailboxes % part->n_mailboxes > 0))
        model_break(model, "%lld cents go back for one of %lld mailboxes that cost %lld", (long long)back,
                    (long long)part->n_mailboxes, (long long)part->mailboxes);
    return back < least ? least - back : 0;
}

/* Returns what lacks of the money for what was not delivered. */
static cents check_part(struct model *model, const struct seen_books *books, const struct model_order *order,
                        const struct model_domain *domain) {
    const struct seen_domain *seen = find_domain(books, str_of(domain->id));
    const struct part part = part_of(books, str_of(order->id), str_of(domain->id));
    if (part.back > part.paid)
        model_break(model, "%lld of %lld cents go back for %.*s", (long long)part.back, (long long)part.paid,
                    STR_ARG(domain->name));
    if (domain->has_failed) return part.paid - part.back;
    /* Mailboxes that were bought while their domain was cancelled were never there. */
    bool was_lost = order->type == ORDER_EXTRA_ACCOUNTS && seen && seen->state == DOMAIN_CANCELLED;
    if (part.n_domains && was_lost) return part.paid - part.back;
    if (part.n_domains) model_break(model, "the money for %.*s goes back, but it did not fail", STR_ARG(domain->name));
    cents lacks = 0;
    for (size_t i = 0; i < domain->n_emails; i++) lacks += check_mailbox(model, books, order, domain, i, &part);
    return lacks;
}

static void check_order(struct model *model, const struct seen_books *books, const struct model_order *order) {
    cents lacks = 0, by_hand = given_by_hand(books, order);
    for (size_t i = 0; i < order->n_domains; i++) lacks += check_part(model, books, order, &order->domains[i]);
    if (lacks > by_hand)
        model_break(model, "order %.*s was paid and not delivered: %lld cents do not go back",
                    STR_ARG(history_id(str_of(order->id))), (long long)lacks);
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
