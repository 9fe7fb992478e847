/* One invoice or credit note: its document, and the same as a page to print. */
#include "api/html.h"
#include "api/invoice_page.h"
#include "api/list_query.h"
#include "api/payments.h"

struct asked {
    const struct call *call;
    int64_t number;
    struct invoice_row row;
};

static bool read_invoice(struct db *db, void *arg, struct error *reterr) {
    struct asked *a = arg;
    return invoices_get(db, str_of(a->call->identity->workspace.id), a->number, a->call->arena, &a->row, reterr);
}

/* False: it was answered. */
static bool find(struct call *call, struct invoice_row *ret) {
    struct error error = {0};
    struct asked asked = {.call = call};
    if (!str_to_int(call->parameter, 1, INT64_MAX, &asked.number)) {
        error_set(&error, ERR_NOT_FOUND, "Resource not found");
        call_refuse(call, &error);
        return false;
    }
    if (!store_read(call->config->world->store, read_invoice, &asked, &error)) {
        if (error.code == ERR_NOT_FOUND) error_set(&error, ERR_NOT_FOUND, "Resource not found");
        call_fail(call, &error, "");
        return false;
    }
    *ret = asked.row;
    return true;
}

enum http_verdict get_invoice(struct call *call) {
    struct invoice_row row;
    if (!find(call, &row)) return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    invoices_write(out, &row);
    out->n--; /* the brace: its document is a member more */
    BUF_LIT(out, ",\"document\":");
    buf_add(out, row.document);
    BUF_LIT(out, "}");
    call_answer(call);
    return HTTP_ANSWER;
}

enum http_verdict get_invoice_page(struct call *call) {
    struct invoice_row row;
    struct error error = {0};
    if (!find(call, &row)) return HTTP_ANSWER;
    if (!invoice_page_write(&call->response->body, &row, &error)) {
        call_fail(call, &error, "");
        return HTTP_ANSWER;
    }
    call->response->content_type = "text/html; charset=utf-8";
    html_policy(call->response, invoice_page_style, "'none'");
    http_response_header(call->response, "X-Content-Type-Options", "nosniff");
    call_answer(call);
    return HTTP_ANSWER;
}
