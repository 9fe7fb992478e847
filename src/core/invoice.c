#include "core/invoice.h"

#include "base/clock.h"

const char *const invoice_kind_names[INVOICE_KIND_END] = {
    [INVOICE_BILL] = "invoice", [INVOICE_CREDIT_NOTE] = "credit_note"};

const char *invoice_line_words(enum line_kind kind) {
    static const char *const words[LINE_KIND_END] = {
        [LINE_DOMAIN_YEAR] = "Domain",
        [LINE_DOMAIN_MONTH] = "Mailboxes of a Microsoft domain",
        [LINE_MAILBOX_MONTH] = "Mailboxes",
    };
    return words[kind];
}

static void add_text(struct buf *out, const char *name, struct str value) {
    buf_printf(out, ",\"%s\":", name);
    buf_add_json(out, value);
}

static void add_money(struct buf *out, const char *name, cents amount) {
    buf_printf(out, ",\"%s\":", name);
    money_json(out, amount);
}

static void add_time(struct buf *out, const char *name, int64_t ms) {
    char text[TIME_TEXT];
    time_format(ms, text);
    buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

void invoice_line_json(struct buf *out, const struct invoice_line *line) {
    const struct bill_line *of = &line->line;
    BUF_LIT(out, "{\"description\":");
    buf_add_json(out, str_of(invoice_line_words(of->kind)));
    add_text(out, "kind", str_of(line_kind_names[of->kind]));
    add_text(out, "domain", line->domain);
    add_time(out, "period_start", of->from_ms);
    add_time(out, "period_end", of->to_ms);
    BUF_LIT(out, ",\"quantity\":");
    buf_add_int(out, of->quantity);
    add_money(out, "unit_price", of->unit);
    add_money(out, "discount", of->discount);
    add_money(out, "amount", of->amount);
    BUF_LIT(out, "}");
}

/* An invoice's lines and sums. A bill without lines (an order that was reserved before bills had any) has its total
 * alone. */
static bool add_lines(struct buf *out, const struct invoice *invoice) {
    cents list = 0, discount = 0;
    BUF_LIT(out, ",\"items\":[");
    for (size_t i = 0; i < invoice->n_lines; i++) {
        if (i) buf_add_byte(out, ',');
        invoice_line_json(out, &invoice->lines[i]);
        const struct bill_line *line = &invoice->lines[i].line;
        if (!money_add(&list, line->unit, line->quantity) || !money_add(&discount, line->discount, 1)) return false;
    }
    BUF_LIT(out, "]");
    add_money(out, "list_price", invoice->n_lines ? list : invoice->total);
    add_money(out, "total_discount", discount);
    return true;
}

static void add_payment(struct buf *out, const struct invoice *invoice) {
    const char *method = "card";
    if (invoice->total == 0)
        method = "none";
    else if (str_is(invoice->driver, "invoice"))
        method = "on_account";
    buf_printf(out, ",\"payment\":{\"method\":\"%s\"", method);
    if (invoice->total > 0) {
        add_text(out, "driver", invoice->driver);
        add_text(out, "reference", invoice->reference);
        add_text(out, "brand", invoice->brand);
        add_text(out, "last_4_digits", invoice->last4);
    }
    BUF_LIT(out, "}");
}

bool invoice_json(struct buf *out, const struct invoice *invoice) {
    BUF_LIT(out, "{\"number\":");
    buf_add_int(out, invoice->number);
    add_text(out, "kind", str_of(invoice_kind_names[invoice->kind]));
    add_time(out, "timestamp_issued", invoice->issued_ms);
    BUF_LIT(out, ",\"currency\":\"USD\"");
    add_text(out, "seller", invoice->seller);
    BUF_LIT(out, ",\"customer\":{\"workspace_id\":");
    buf_add_json(out, invoice->workspace_id);
    add_text(out, "name", invoice->workspace_name);
    BUF_LIT(out, "}");
    add_text(out, invoice->bill_kind == BILL_ORDER ? "order_id" : "renewal_id", invoice->bill_id);
    if (invoice->kind == INVOICE_CREDIT_NOTE) {
        add_text(out, "refund_id", invoice->refund_id);
        add_text(out, "subject", invoice->subject);
        add_text(out, "reason", invoice->why);
        BUF_LIT(out, ",\"credits_invoice\":");
        if (invoice->credits)
            buf_add_int(out, invoice->credits);
        else
            BUF_LIT(out, "null");
    } else if (!add_lines(out, invoice)) {
        return false;
    }
    add_money(out, "total", invoice->total);
    add_payment(out, invoice);
    BUF_LIT(out, "}");
    return true;
}
