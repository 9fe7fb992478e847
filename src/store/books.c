#include "store/books.h"

#include "store/invoices.h"
#include "store/ledger.h"
#include "store/payments.h"

/* Enough for the lines of most bills; an arena takes more when it needs more. */
enum { BOOKS_ARENA_BYTES = 4096 };

/* On account: what is taken is owed to us, what is given back is owed less. */
static bool is_on_account(struct str driver) {
    return str_is(driver, "invoice");
}

/* What money that moves at DRIVER comes from or goes to. */
static struct str money_account(struct str driver, struct str workspace_id, struct arena *arena) {
    if (is_on_account(driver)) return arena_printf(arena, "receivable/%.*s", STR_ARG(workspace_id));
    return arena_printf(arena, "cash/%.*s", STR_ARG(driver));
}

static struct str payable(struct str workspace_id, struct arena *arena) {
    return arena_printf(arena, "payable/%.*s", STR_ARG(workspace_id));
}

/* Where a bill's money comes from, at list price. */
struct revenue {
    cents domains, mailboxes, discounts, unsplit, total;
};

static bool add_up(const struct charged *charge, const struct invoice_line *lines, size_t n, struct revenue *ret,
                   struct error *reterr) {
    *ret = (struct revenue){0};
    /* Reserved by an edition whose bills had no lines. */
    if (n == 0) ret->unsplit = ret->total = charge->amount;
    for (size_t i = 0; i < n; i++) {
        const struct bill_line *line = &lines[i].line;
        cents *of = line->kind == LINE_DOMAIN_YEAR ? &ret->domains : &ret->mailboxes;
        if (!money_add(of, line->unit, line->quantity) || !money_add(&ret->discounts, line->discount, 1) ||
            !money_add(&ret->total, line->amount, 1))
            return error_set(reterr, ERR_INTERNAL, "the bill of %s %.*s leaves the range of money",
                             bill_kind_names[charge->kind], STR_ARG(charge->bill_id));
    }
    if (ret->total != charge->amount)
        return error_set(reterr, ERR_INTERNAL, "%s %.*s charged %lld cents, but its lines sum up to %lld",
                         bill_kind_names[charge->kind], STR_ARG(charge->bill_id), (long long)charge->amount,
                         (long long)ret->total);
    return true;
}

/* payments_added has to follow. */
static bool ask_payment(struct db *db, const struct charged *charge, struct str decline, struct str reason, bool failed,
                        struct stmt **ret, struct error *reterr) {
    const struct payment_row row = {
        .id = charge->payment_id,
        .workspace_id = charge->workspace_id,
        .failed = failed,
        .bill_kind = charge->kind,
        .bill_id = charge->bill_id,
        .driver = charge->driver,
        .reference = charge->reference,
        .amount = charge->amount,
        .decline = decline,
        .reason = reason,
        .brand = charge->brand,
        .last4 = charge->last4,
        .at_ms = charge->now_ms,
    };
    return payments_ask_add(db, &row, ret, reterr);
}

static bool enter_charge(struct db *db, const struct charged *charge, const struct revenue *revenue,
                         struct arena *arena, struct error *reterr) {
    const struct ledger_transaction transaction = {
        .id = charge->bill_id,
        .workspace_id = charge->workspace_id,
        .subject = charge->kind == BILL_ORDER ? SUBJECT_ORDER : SUBJECT_RENEWAL,
        .subject_id = charge->bill_id,
        .now_ms = charge->now_ms,
        .legs = {{money_account(charge->driver, charge->workspace_id, arena), charge->amount},
                 {STR("discounts"), revenue->discounts},
                 {STR("revenue/domains"), -revenue->domains},
                 {STR("revenue/mailboxes"), -revenue->mailboxes},
                 {STR("revenue/unsplit"), -revenue->unsplit}},
        .n = 5,
    };
    return ledger_post(db, &transaction, reterr);
}

bool books_charged(struct db *db, const struct charged *charge, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(BOOKS_ARENA_BYTES);
    struct invoice invoice = {
        .kind = INVOICE_BILL,
        .issued_ms = charge->now_ms,
        .workspace_id = charge->workspace_id,
        .bill_kind = charge->kind,
        .bill_id = charge->bill_id,
        .total = charge->amount,
        .driver = charge->driver,
        .reference = charge->reference,
        .brand = charge->brand,
        .last4 = charge->last4,
    };
    struct revenue revenue;
    struct stmt *lines = charge->lines, *payment = NULL;
    if ((!lines && !invoices_ask_lines(db, charge->bill_id, &lines, reterr)) ||
        !invoices_lines(lines, arena, &invoice.lines, &invoice.n_lines, reterr) ||
        !add_up(charge, invoice.lines, invoice.n_lines, &revenue, reterr))
        return false;
    if (charge->amount == 0 && revenue.discounts == 0) return true; /* nothing to enter, nothing to show */
    if (charge->amount > 0 && !ask_payment(db, charge, STR(""), STR(""), false, &payment, reterr)) return false;
    return enter_charge(db, charge, &revenue, arena, reterr) && invoices_issue(db, &invoice, arena, reterr) &&
           (!payment || payments_added(payment, charge->payment_id, reterr));
}

bool books_declined(struct db *db, const struct charged *charge, struct str decline, struct str reason,
                    struct error *reterr) {
    struct stmt *payment;
    return ask_payment(db, charge, decline, reason, true, &payment, reterr) &&
           payments_added(payment, charge->payment_id, reterr);
}

/* Two legs about a refund; WHAT happened to it: "owed". */
static bool enter_refund(struct db *db, const struct refunded *refund, const char *what, struct str debit,
                         struct str credit, struct arena *arena, struct error *reterr) {
    const struct ledger_transaction transaction = {
        .id = arena_printf(arena, "%.*s/%s", STR_ARG(refund->id), what),
        .workspace_id = refund->workspace_id,
        .subject = SUBJECT_REFUND,
        .subject_id = refund->id,
        .now_ms = refund->now_ms,
        .legs = {{debit, refund->amount}, {credit, -refund->amount}},
        .n = 2,
    };
    return ledger_post(db, &transaction, reterr);
}

bool books_refund_owed(struct db *db, const struct refunded *refund, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(BOOKS_ARENA_BYTES);
    return enter_refund(db, refund, "owed", STR("refunds"), payable(refund->workspace_id, arena), arena, reterr);
}

bool books_refund_dropped(struct db *db, const struct refunded *refund, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(BOOKS_ARENA_BYTES);
    return enter_refund(db, refund, "dropped", payable(refund->workspace_id, arena), STR("refunds"), arena, reterr);
}

static bool add_refund(struct db *db, const struct refunded *refund, struct str reason, bool failed,
                       struct error *reterr) {
    const struct payment_row row = {
        .id = refund->id,
        .workspace_id = refund->workspace_id,
        .is_refund = true,
        .failed = failed,
        .bill_kind = refund->bill_kind,
        .bill_id = refund->bill_id,
        .driver = refund->driver,
        .reference = refund->reference,
        .amount = refund->amount,
        .reason = reason,
        .at_ms = refund->now_ms,
    };
    struct stmt *asked;
    return payments_ask_add(db, &row, &asked, reterr) && payments_added(asked, refund->id, reterr);
}

bool books_refund_paid(struct db *db, const struct refunded *refund, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(BOOKS_ARENA_BYTES);
    struct invoice note = {
        .kind = INVOICE_CREDIT_NOTE,
        .issued_ms = refund->now_ms,
        .workspace_id = refund->workspace_id,
        .bill_kind = refund->bill_kind,
        .bill_id = refund->bill_id,
        .refund_id = refund->id,
        .why = refund->why,
        .total = refund->amount,
        .driver = refund->driver,
        .reference = refund->reference,
    };
    struct str from = money_account(refund->driver, refund->workspace_id, arena);
    return add_refund(db, refund, STR(""), false, reterr) &&
           enter_refund(db, refund, "paid", payable(refund->workspace_id, arena), from, arena, reterr) &&
           invoices_issue(db, &note, arena, reterr);
}

bool books_refund_failed(struct db *db, const struct refunded *refund, struct str reason, struct error *reterr) {
    return add_refund(db, refund, reason, true, reterr);
}

bool books_invoice_paid(struct db *db, int64_t number, struct str note, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(BOOKS_ARENA_BYTES);
    struct invoice_row invoice;
    if (!invoices_get(db, STR(""), number, arena, &invoice, reterr)) return false;
    if (invoice.kind != INVOICE_BILL || !is_on_account(invoice.driver))
        return error_set(reterr, ERR_CONFLICT, "%lld is not an invoice on account: there is nothing to pay",
                         (long long)number);
    if (invoice.state != INVOICE_OWED)
        return error_set(reterr, ERR_CONFLICT, "nothing is owed on invoice %lld: it is %s", (long long)number,
                         invoice_state_names[invoice.state]);
    const struct ledger_transaction transaction = {
        .id = arena_printf(arena, "invoice/%lld", (long long)number),
        .workspace_id = invoice.workspace_id,
        .subject = SUBJECT_INVOICE,
        .subject_id = arena_printf(arena, "%lld", (long long)number),
        .now_ms = now_ms,
        .legs = {{STR("cash/bank"), invoice.owed},
                 {arena_printf(arena, "receivable/%.*s", STR_ARG(invoice.workspace_id)), -invoice.owed}},
        .n = 2,
    };
    return invoices_pay(db, number, invoice.owed, note, now_ms, reterr) && ledger_post(db, &transaction, reterr);
}
