#include "model_books.h"

#include <stdio.h>
#include <string.h>

#include "history.h"
#include "hostile.h"
#include "model_calendar.h"
#include "model_swaps.h"

static const struct bank_row *find_bank(const struct seen_books *books, struct str key, bool is_refund) {
    for (size_t i = 0; i < books->n_bank; i++)
        if (books->bank[i].is_refund == is_refund && str_eq(books->bank[i].key, key)) return &books->bank[i];
    return NULL;
}

static const struct seen_payment *find_payment(const struct seen_books *books, struct str id) {
    for (size_t i = 0; i < books->n_payments; i++)
        if (str_eq(books->payments[i].id, id)) return &books->payments[i];
    return NULL;
}

static const struct seen_refund *find_refund(const struct seen_books *books, struct str id) {
    for (size_t i = 0; i < books->n_refunds; i++)
        if (str_eq(books->refunds[i].id, id)) return &books->refunds[i];
    return NULL;
}

static const struct seen_renewal *find_renewal(const struct seen_books *books, struct str id) {
    for (size_t i = 0; i < books->n_renewals; i++)
        if (str_eq(books->renewals[i].id, id)) return &books->renewals[i];
    return NULL;
}

/* --- the bank and the payments ----------------------------------------------------------------------------------- */

/* What the bank did was asked for, with that amount. */
static void check_bank_row(struct model *model, const struct seen_books *books, const struct bank_row *row,
                           bool is_quiet) {
    const struct str id = history_id(row->key);
    const struct seen_payment *payment = find_payment(books, row->key);
    cents expected = -1;
    if (row->is_refund) {
        const struct seen_refund *refund = find_refund(books, row->key);
        if (refund) expected = refund->amount;
    } else {
        const struct model_order *order = model_find_order(model, row->key);
        if (order) expected = order->amount;
        for (size_t i = 0; i < books->n_renewals; i++)
            if (str_eq(books->renewals[i].payment_id, row->key)) expected = books->renewals[i].amount;
        if (expected < 0 && payment) expected = payment->amount;
    }
    const char *what = row->is_refund ? "gave back" : "took";
    if (expected < 0)
        model_break(model, "the bank %s %lld cents under %.*s, of which dfyd knows nothing", what,
                    (long long)row->amount, STR_ARG(id));
    else if (row->amount != expected)
        model_break(model, "the bank %s %lld cents under %.*s, not %lld", what, (long long)row->amount, STR_ARG(id),
                    (long long)expected);
    if (is_quiet && (!payment || payment->has_failed))
        model_break(model, "the bank %s %lld cents under %.*s, but no payment says so", what, (long long)row->amount,
                    STR_ARG(id));
}

/* A payment that succeeded moved money. */
static void check_payment(struct model *model, const struct seen_books *books, const struct seen_payment *payment) {
    const struct bank_row *row = find_bank(books, payment->id, payment->is_refund);
    const struct str id = history_id(payment->id);
    if (payment->has_failed && row) model_break(model, "payment %.*s failed, but the bank made it", STR_ARG(id));
    if (!payment->has_failed && (!row || row->amount != payment->amount))
        model_break(model, "payment %.*s of %lld cents succeeded, but the bank %s", STR_ARG(id),
                    (long long)payment->amount, row ? "moved another amount" : "did nothing");
}

/* No bill gives back more than it took. */
static void check_given_back(struct model *model, const struct seen_books *books) {
    for (size_t i = 0; i < books->n_payments; i++) {
        const struct seen_payment *charge = &books->payments[i];
        cents back = 0;
        if (charge->is_refund || charge->has_failed) continue;
        for (size_t j = 0; j < books->n_refunds; j++)
            if (str_eq(books->refunds[j].bill_id, charge->bill_id) && books->refunds[j].state != REFUND_SWAPPED)
                back += books->refunds[j].amount;
        if (back > charge->amount)
            model_break(model, "%lld of %lld cents go back to the customer of %.*s", (long long)back,
                        (long long)charge->amount, STR_ARG(history_id(charge->bill_id)));
    }
}

/* --- the ledger -------------------------------------------------------------------------------------------------- */

static cents balance(const struct seen_books *books, struct str subject_id, const char *account) {
    cents sum = 0;
    for (size_t i = 0; i < books->n_entrys; i++)
        if ((subject_id.n == 0 || str_eq(books->entrys[i].subject_id, subject_id)) &&
            str_starts(books->entrys[i].account, account))
            sum += books->entrys[i].amount;
    return sum;
}

static void expect(struct model *model, const struct seen_books *books, struct str id, const char *account,
                   cents expected) {
    cents seen = balance(books, id, account);
    if (seen != expected)
        model_break(model, "the ledger has %lld cents in %s for %.*s, not %lld", (long long)seen, account,
                    id.n ? (int)history_id(id).n : 10, id.n ? history_id(id).p : "everything", (long long)expected);
}

/* What came in, or is owed to us, and nothing of the other. */
static void expect_money(struct model *model, const struct seen_books *books, struct str id, bool is_on_account,
                         cents expected) {
    expect(model, books, id, "cash/", is_on_account ? 0 : expected);
    expect(model, books, id, "receivable/", is_on_account ? expected : 0);
}

static void check_order_entries(struct model *model, const struct seen_books *books, const struct model_order *order,
                                bool is_placed) {
    const struct str id = str_of(order->id);
    cents domains = 0, mailboxes = 0;
    for (size_t i = 0; is_placed && i < order->n_domains; i++) {
        const struct model_bill *bill = &order->domains[i].bill;
        domains += bill->quantity[MODEL_YEAR] * bill->unit[MODEL_YEAR];
        mailboxes += bill->quantity[MODEL_MONTH] * bill->unit[MODEL_MONTH] +
                     bill->quantity[MODEL_MAILBOX] * bill->unit[MODEL_MAILBOX];
    }
    expect_money(model, books, id, order->is_on_account, is_placed ? order->amount : 0);
    expect(model, books, id, "discounts", is_placed ? order->discount : 0);
    expect(model, books, id, "revenue/domains", -domains);
    expect(model, books, id, "revenue/mailboxes", -mailboxes);
}

static void check_renewal_entries(struct model *model, const struct seen_books *books,
                                  const struct seen_renewal *renewal) {
    cents domains = 0, mailboxes = 0;
    for (size_t i = 0; renewal->state == RENEWAL_PAID && i < books->n_items; i++) {
        const struct seen_item *item = &books->items[i];
        if (!item->is_charged || !str_eq(item->renewal_id, renewal->id)) continue;
        *(item->kind == MODEL_YEAR ? &domains : &mailboxes) += item->amount;
    }
    expect_money(model, books, renewal->id, renewal->is_on_account, domains + mailboxes);
    expect(model, books, renewal->id, "revenue/domains", -domains);
    expect(model, books, renewal->id, "revenue/mailboxes", -mailboxes);
}

static void check_refund_entries(struct model *model, const struct seen_books *books,
                                 const struct seen_refund *refund) {
    cents owed = refund->state == REFUND_DONE || refund->state == REFUND_SWAPPED ? 0 : refund->amount;
    expect(model, books, refund->id, "refunds", refund->state == REFUND_SWAPPED ? 0 : refund->amount);
    expect(model, books, refund->id, "payable/", -owed);
    expect_money(model, books, refund->id, refund->is_on_account, refund->state == REFUND_DONE ? -refund->amount : 0);
}

static void check_ledger(struct model *model, const struct seen_books *books, const bool *placed) {
    cents money[2] = {0}; /* at the bank, and on account */
    if (books->unbalanced) model_break(model, "the ledger has a transaction that does not add up to 0");
    for (size_t i = 0; i < model->n_orders; i++) check_order_entries(model, books, &model->orders[i], placed[i]);
    for (size_t i = 0; i < books->n_renewals; i++) check_renewal_entries(model, books, &books->renewals[i]);
    for (size_t i = 0; i < books->n_refunds; i++) check_refund_entries(model, books, &books->refunds[i]);
    for (size_t i = 0; i < books->n_payments; i++)
        if (!books->payments[i].has_failed)
            money[books->payments[i].is_on_account] +=
                books->payments[i].is_refund ? -books->payments[i].amount : books->payments[i].amount;
    expect(model, books, STR(""), "cash/", money[0]);
    expect(model, books, STR(""), "receivable/", money[1]);
    expect(model, books, STR(""), "", 0);
}

/* --- invoices ---------------------------------------------------------------------------------------------------- */

static const struct seen_invoice *find_invoice(const struct seen_books *books, struct str subject_id) {
    for (size_t i = 0; i < books->n_invoices; i++)
        if (str_eq(books->invoices[i].subject_id, subject_id)) return &books->invoices[i];
    return NULL;
}

static void expect_invoice(struct model *model, const struct seen_books *books, struct str subject_id, bool is_due,
                           bool is_credit_note, cents total) {
    const struct seen_invoice *invoice = find_invoice(books, subject_id);
    const struct str id = history_id(subject_id);
    if (!is_due && invoice) model_break(model, "there is an invoice for %.*s, which was not paid", STR_ARG(id));
    if (is_due && !invoice) model_break(model, "there is no invoice for %.*s", STR_ARG(id));
    if (is_due && invoice && (invoice->total != total || invoice->is_credit_note != is_credit_note))
        model_break(model, "the invoice for %.*s is over %lld cents, not %lld", STR_ARG(id), (long long)invoice->total,
                    (long long)total);
}

static void check_invoices(struct model *model, const struct seen_books *books, const bool *placed) {
    for (size_t i = 0; i < books->n_invoices; i++)
        if (books->invoices[i].number != (int64_t)i + 1)
            model_break(model, "invoice %zu is missing: the next has number %lld", i + 1,
                        (long long)books->invoices[i].number);
    for (size_t i = 0; i < model->n_orders; i++)
        expect_invoice(model, books, str_of(model->orders[i].id),
                       placed[i] && model->orders[i].amount + model->orders[i].discount > 0, false,
                       model->orders[i].amount);
    for (size_t i = 0; i < books->n_renewals; i++)
        expect_invoice(model, books, books->renewals[i].id,
                       books->renewals[i].state == RENEWAL_PAID && books->renewals[i].amount > 0, false,
                       books->renewals[i].amount);
    for (size_t i = 0; i < books->n_refunds; i++)
        expect_invoice(model, books, books->refunds[i].id, books->refunds[i].state == REFUND_DONE, true,
                       books->refunds[i].amount);
}

/* --- bills ------------------------------------------------------------------------------------------------------- */

/* Mailboxes that were added to a domain: which domain that was. */
static void learn_domains(struct model *model, const struct seen_books *books) {
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; j < model->orders[i].n_domains; j++) {
            struct model_domain *domain = &model->orders[i].domains[j];
            if (domain->id[0] || domain->n_emails == 0) continue;
            for (size_t k = 0; k < books->n_accounts; k++)
                if (str_is(books->accounts[k].id, domain->accounts[0].id))
                    snprintf(domain->id, UUID_TEXT, "%.*s", STR_ARG(books->accounts[k].domain_id));
        }
}

static void check_order_line(struct model *model, const struct model_order *order, const struct seen_line *line) {
    for (size_t i = 0; i < order->n_domains; i++) {
        const struct model_bill *bill = &order->domains[i].bill;
        if (str_is(line->domain_id, order->domains[i].id) && line->quantity == bill->quantity[line->kind] &&
            line->unit == bill->unit[line->kind] && line->discount == bill->discount[line->kind] &&
            line->from_ms == order->ordered_ms &&
            line->to_ms == (line->kind == MODEL_YEAR ? model_year_end : model_month_end)(order->ordered_ms, 1))
            return;
    }
    model_break(model, "order %.*s has a line that it should not have", STR_ARG(history_id(line->bill_id)));
}

/* Each line of an order is what the model says that it costs; what costs something has its line. */
static void check_lines(struct model *model, const struct seen_books *books, const bool *placed) {
    for (size_t i = 0; i < books->n_lines; i++) {
        const struct seen_line *line = &books->lines[i];
        const struct model_order *order = model_find_order(model, line->bill_id);
        const struct str id = history_id(line->bill_id);
        if (line->amount != line->quantity * line->unit - line->discount)
            model_break(model, "a line of %.*s does not add up", STR_ARG(id));
        if (order)
            check_order_line(model, order, line);
        else if (!find_renewal(books, line->bill_id))
            model_break(model, "there is a line for nothing: %.*s", STR_ARG(id));
    }
    for (size_t i = 0; i < model->n_orders; i++) {
        size_t expected = 0, seen = 0;
        for (size_t j = 0; j < model->orders[i].n_domains; j++)
            for (int kind = 0; kind < MODEL_KINDS; kind++)
                expected +=
                    model->orders[i].domains[j].bill.quantity[kind] && model->orders[i].domains[j].bill.unit[kind];
        for (size_t j = 0; j < books->n_lines; j++) seen += str_is(books->lines[j].bill_id, model->orders[i].id);
        if (placed[i] && seen != expected)
            model_break(model, "order %.*s has %zu lines, not %zu", STR_ARG(history_id(str_of(model->orders[i].id))),
                        seen, expected);
    }
}

void model_check_books(struct model *model, const struct seen_books *books, const bool *placed, bool is_quiet) {
    learn_domains(model, books);
    model_learn_swaps(model, books);
    for (size_t i = 0; i < books->n_bank; i++) check_bank_row(model, books, &books->bank[i], is_quiet);
    for (size_t i = 0; i < books->n_payments; i++) check_payment(model, books, &books->payments[i]);
    check_given_back(model, books);
    check_ledger(model, books, placed);
    check_invoices(model, books, placed);
    check_lines(model, books, placed);
}

void model_check_promotions(struct model *model, const bool *is_held, int workspaces) {
    for (int workspace = 0; workspace < workspaces; workspace++) {
        struct model_uses uses[MODEL_PROMOTIONS];
        model_count_uses(model, is_held, workspace, uses);
        for (size_t i = 0; i < model->book.n_promotions; i++) {
            const struct model_promotion *promotion = &model->book.promotions[i];
            const struct str id = history_id(str_of(promotion->id));
            if (promotion->max_orders && uses[i].orders > promotion->max_orders)
                model_break(model, "promotion %.*s was used by %lld orders", STR_ARG(id), (long long)uses[i].orders);
            if (promotion->max_orders_each && uses[i].orders_each > promotion->max_orders_each)
                model_break(model, "promotion %.*s was used by %lld orders of one workspace", STR_ARG(id),
                            (long long)uses[i].orders_each);
            if (promotion->kind == MODEL_FREE_DOMAINS && uses[i].domains_each > promotion->value)
                model_break(model, "promotion %.*s gave %lld free domains", STR_ARG(id),
                            (long long)uses[i].domains_each);
        }
    }
}
