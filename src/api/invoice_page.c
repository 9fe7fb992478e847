#include "api/invoice_page.h"

#include <yyjson.h>

#include "api/html.h"
#include "base/clock.h"

enum { DAY_TEXT = 10 }; /* bytes of "2026-03-05" */

/* Screen first, then paper. Lines stay whole across pages, and each page repeats the table's head. */
const char invoice_page_style[] =
    "*{box-sizing:border-box}"
    "body{margin:0;background:#eceff1;color:#1c2429;font:14px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,"
    "sans-serif}"
    "main{max-width:210mm;min-height:260mm;margin:24px auto;padding:18mm;background:#fff;box-shadow:0 1px 4px #0003}"
    "header{display:flex;justify-content:space-between;gap:24px;align-items:flex-start;margin-bottom:14mm}"
    "h1{margin:0;font-size:26px;line-height:1.2;font-weight:600}"
    "h2{margin:0 0 2px;font-size:11px;font-weight:600;letter-spacing:.06em;text-transform:uppercase;color:#5f6b73}"
    "p{margin:0}"
    ".seller{text-align:right;overflow-wrap:anywhere}.seller b{display:block;font-size:16px}"
    ".facts{display:grid;grid-template-columns:1fr 1fr;gap:6mm 12mm;margin-bottom:10mm}"
    ".facts div{overflow-wrap:anywhere}.id{font-size:12px;color:#5f6b73}"
    "table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th{padding:0 0 6px 12px;border-bottom:1.5px solid #1c2429;font-size:11px;text-align:right;color:#5f6b73}"
    "td{padding:7px 0 7px 12px;border-bottom:1px solid #dde2e5;text-align:right;vertical-align:top;white-space:nowrap}"
    "th:first-child,td:first-child{padding-left:0;text-align:left;white-space:normal;overflow-wrap:anywhere}"
    "td small{display:block;color:#5f6b73;font-size:12px}"
    "tr{break-inside:avoid}thead{display:table-header-group}"
    ".sum{width:auto;min-width:70mm;margin:6mm 0 10mm auto;break-inside:avoid}.sum td{border:0;padding-top:3px;"
    "padding-bottom:3px}.sum tr:last-child td{border-top:1.5px solid #1c2429;font-weight:600;font-size:16px;"
    "padding-top:7px}"
    ".state{break-inside:avoid}"
    "@page{size:A4;margin:18mm}"
    "@media print{body{background:#fff;font-size:11pt}main{max-width:none;min-height:0;margin:0;padding:0;"
    "box-shadow:none}}"
    "@media(max-width:600px){main{margin:0;padding:20px}header,.facts{display:block}.seller{text-align:left;"
    "margin-top:16px}.facts div{margin-bottom:12px}"
    "table:not(.sum) tr{display:flex;flex-wrap:wrap;border-bottom:1px solid #dde2e5}table:not(.sum) :is(th,td){flex:1;"
    "border:0;padding-left:0}table:not(.sum) :first-child:is(th,td){flex:0 0 100%;padding-bottom:0}.sum{width:100%;"
    "min-width:0}}";

static struct str text_of(yyjson_val *object, const char *name) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? (struct str){yyjson_get_str(value), yyjson_get_len(value)} : STR("");
}

/* Numbers are read as they stand, so that an amount is never a floating number. */
static struct str number_of(yyjson_val *object, const char *name) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_raw(value) ? (struct str){yyjson_get_raw(value), yyjson_get_len(value)} : STR("");
}

static void add_money(struct buf *out, yyjson_val *object, const char *name) {
    cents amount = 0;
    if (!money_parse(number_of(object, name), &amount)) out->failed = true;
    html_money(out, amount);
}

static void add_day(struct buf *out, struct str time) {
    if (time.n > DAY_TEXT) time.n = DAY_TEXT;
    html_text(out, time);
}

/* "Name, street, city": the name stands out, the rest gets a line each. */
static void add_seller(struct buf *out, struct str seller) {
    struct str rest, name = str_trim(str_cut(seller, ',', &rest));
    if (!name.n) return;
    BUF_LIT(out, "<div class=\"seller\"><b>");
    html_text(out, name);
    BUF_LIT(out, "</b>");
    while (rest.n) {
        html_text(out, str_trim(str_cut(rest, ',', &rest)));
        if (rest.n) BUF_LIT(out, "<br>");
    }
    BUF_LIT(out, "</div>");
}

static void add_facts(struct buf *out, yyjson_val *document) {
    yyjson_val *customer = yyjson_obj_get(document, "customer");
    bool is_order = yyjson_obj_get(document, "order_id") != NULL;
    BUF_LIT(out, "<section class=\"facts\"><div><h2>Customer</h2><p>");
    html_text(out, text_of(customer, "name"));
    BUF_LIT(out, "</p><p class=\"id\">");
    html_text(out, text_of(customer, "workspace_id"));
    BUF_LIT(out, "</p></div><div><h2>Date</h2><p>");
    add_day(out, text_of(document, "timestamp_issued"));
    BUF_LIT(out, "</p></div><div><h2>");
    buf_add(out, is_order ? STR("Order") : STR("Renewal"));
    BUF_LIT(out, "</h2><p class=\"id\">");
    html_text(out, text_of(document, is_order ? "order_id" : "renewal_id"));
    BUF_LIT(out, "</p></div>");
    struct str credits = number_of(document, "credits_invoice");
    if (credits.n) {
        BUF_LIT(out, "<div><h2>Credits</h2><p>Invoice ");
        html_text(out, credits);
        BUF_LIT(out, "</p></div>");
    }
    BUF_LIT(out, "</section>");
}

static void add_line(struct buf *out, yyjson_val *line) {
    BUF_LIT(out, "<tr><td>");
    html_text(out, text_of(line, "domain"));
    BUF_LIT(out, "<small>");
    html_text(out, text_of(line, "description"));
    BUF_LIT(out, ", ");
    add_day(out, text_of(line, "period_start"));
    BUF_LIT(out, " to ");
    add_day(out, text_of(line, "period_end"));
    BUF_LIT(out, "</small></td><td>");
    html_text(out, number_of(line, "quantity"));
    BUF_LIT(out, "</td><td>");
    add_money(out, line, "unit_price");
    BUF_LIT(out, "</td><td>");
    if (!str_is(number_of(line, "discount"), "0")) {
        BUF_LIT(out, "&minus;");
        add_money(out, line, "discount");
    }
    BUF_LIT(out, "</td><td>");
    add_money(out, line, "amount");
    BUF_LIT(out, "</td></tr>");
}

/* What has no lines: a credit note, with what it is for and why, or an order of before there were any. */
static void add_whole(struct buf *out, yyjson_val *document) {
    struct str subject = text_of(document, "subject"), reason = text_of(document, "reason");
    BUF_LIT(out, "<table><thead><tr><th>Item</th><th>Amount</th></tr></thead><tbody><tr><td>");
    if (subject.n) {
        html_text(out, subject);
        BUF_LIT(out, "<small>");
        html_text(out, reason);
        BUF_LIT(out, "</small>");
    } else {
        html_text(out, reason.n ? reason : STR("Domains and mailboxes"));
    }
    BUF_LIT(out, "</td><td>");
    add_money(out, document, "total");
    BUF_LIT(out, "</td></tr>");
}

static void add_lines(struct buf *out, yyjson_val *document) {
    yyjson_val *items = yyjson_obj_get(document, "items");
    if (yyjson_arr_size(items) == 0) {
        add_whole(out, document);
    } else {
        yyjson_arr_iter lines = yyjson_arr_iter_with(items);
        BUF_LIT(out, "<table><thead><tr><th>Item</th><th>Quantity</th><th>Price</th><th>Discount</th><th>Amount</th>"
                     "</tr></thead><tbody>");
        for (yyjson_val *line; (line = yyjson_arr_iter_next(&lines));) add_line(out, line);
    }
    BUF_LIT(out, "</tbody></table><table class=\"sum\">");
    struct str discount = number_of(document, "total_discount");
    if (discount.n && !str_is(discount, "0")) {
        BUF_LIT(out, "<tr><td>Sum</td><td>");
        add_money(out, document, "list_price");
        BUF_LIT(out, "</td></tr><tr><td>Discount</td><td>&minus;");
        add_money(out, document, "total_discount");
        BUF_LIT(out, "</td></tr>");
    }
    BUF_LIT(out, "<tr><td>Total (USD)</td><td>");
    add_money(out, document, "total");
    BUF_LIT(out, "</td></tr></table>");
}

/* " by visa ending in 4242". */
static void add_card(struct buf *out, yyjson_val *document) {
    yyjson_val *payment = yyjson_obj_get(document, "payment");
    struct str brand = text_of(payment, "brand"), last4 = text_of(payment, "last_4_digits");
    if (!brand.n || !str_is(text_of(payment, "method"), "card")) return;
    BUF_LIT(out, " by ");
    html_text(out, brand);
    if (!last4.n) return;
    BUF_LIT(out, " ending in ");
    html_text(out, last4);
}

static void add_state(struct buf *out, yyjson_val *document, const struct invoice_row *row) {
    char paid[TIME_TEXT];
    time_format(row->paid_ms, paid);
    BUF_LIT(out, "<p class=\"state\">");
    if (row->state == INVOICE_OWED) {
        BUF_LIT(out, "On account. To be paid: <b>");
        html_money(out, row->owed);
        BUF_LIT(out, "</b>");
    } else if (row->state == INVOICE_CREDITED) {
        BUF_LIT(out, "On account. All of it was given back: nothing is to be paid.");
    } else if (row->total == 0) {
        BUF_LIT(out, "Nothing is to be paid.");
    } else {
        bool is_note = row->kind == INVOICE_CREDIT_NOTE;
        buf_add(out, is_note ? STR("Given back on ") : STR("Paid on "));
        add_day(out, str_of(paid));
        if (!is_note) add_card(out, document);
        BUF_LIT(out, ".");
    }
    BUF_LIT(out, "</p>");
}

bool invoice_page_write(struct buf *out, const struct invoice_row *row, struct error *reterr) {
    yyjson_doc *doc = yyjson_read(row->document.p, row->document.n, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *document = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(document)) {
        yyjson_doc_free(doc);
        return error_set(reterr, ERR_INTERNAL, "the document of invoice %lld is damaged", (long long)row->number);
    }
    const char *title = row->kind == INVOICE_CREDIT_NOTE ? "Credit note" : "Invoice";
    BUF_LIT(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    buf_printf(out, "<title>%s %lld</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<header><h1>%s %lld</h1>",
               title, (long long)row->number, invoice_page_style, title, (long long)row->number);
    add_seller(out, text_of(document, "seller"));
    BUF_LIT(out, "</header>\n");
    add_facts(out, document);
    add_lines(out, document);
    add_state(out, document, row);
    BUF_LIT(out, "\n</main>\n</body>\n</html>\n");
    yyjson_doc_free(doc);
    return true;
}
