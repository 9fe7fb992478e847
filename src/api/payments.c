#include "api/payments.h"

#include "api/list_query.h"
#include "api/member.h"

void payments_write(struct buf *out, const struct payment_row *row) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, row->id);
    member_text(out, "kind", row->is_refund ? STR("refund") : STR("charge"));
    member_text(out, "state", row->failed ? STR("failed") : STR("succeeded"));
    member_text(out, "order_id", row->bill_kind == BILL_ORDER ? row->bill_id : STR(""));
    member_text(out, "renewal_id", row->bill_kind == BILL_RENEWAL ? row->bill_id : STR(""));
    member_money(out, "amount", row->amount);
    member_text(out, "currency", STR("USD"));
    member_text(out, "payment_failure_reason", row->decline);
    member_text(out, "reason", row->reason);
    member_text(out, "driver", row->driver);
    member_text(out, "reference", row->reference);
    member_text(out, "payment_method_brand", row->brand);
    member_text(out, "payment_method_last_4_digits", row->last4);
    member_time(out, "timestamp_created", row->at_ms);
    BUF_LIT(out, "}");
}

void invoices_write(struct buf *out, const struct invoice_row *row) {
    BUF_LIT(out, "{\"number\":");
    buf_add_int(out, row->number);
    member_text(out, "kind", str_of(invoice_kind_names[row->kind]));
    member_text(out, "state", str_of(invoice_state_names[row->state]));
    member_text(out, "order_id", row->order_id);
    member_text(out, "renewal_id", row->renewal_id);
    member_text(out, "refund_id", row->refund_id);
    member_money(out, "total", row->total);
    member_money(out, "amount_owed", row->owed);
    member_text(out, "currency", STR("USD"));
    member_time(out, "timestamp_issued", row->issued_ms);
    member_time(out, "timestamp_paid", row->paid_ms);
    BUF_LIT(out, "}");
}

/* ---- GET /payments ---- */

struct paging {
    const struct call *call;
    const struct list_query *query;
    int64_t before; /* of invoices */
    struct payment_row *payments;
    struct invoice_row *invoices;
    size_t n;
};

static struct str workspace_of(const struct call *call) {
    return str_of(call->identity->workspace.id);
}

/* One more than asked for tells whether there is another page. */
static bool read_payments(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    return payments_page(db, workspace_of(p->call), p->query->starting_after, (size_t)p->query->limit + 1,
                         p->call->arena, &p->payments, &p->n, reterr);
}

enum http_verdict list_payments(struct call *call) {
    struct list_query query;
    if (!list_read_query(call, &query)) return HTTP_ANSWER;
    struct paging p = {.call = call, .query = &query};
    if (!list_read_page(call, read_payments, &p)) return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, query.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        payments_write(out, &p.payments[i]);
    }
    list_end(out, shown < p.n ? p.payments[shown - 1].id : STR(""));
    call_answer(call);
    return HTTP_ANSWER;
}

/* ---- GET /invoices ---- */

static bool read_invoices(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    return invoices_page(db, workspace_of(p->call), p->before, (size_t)p->query->limit + 1, p->call->arena,
                         &p->invoices, &p->n, reterr);
}

enum http_verdict list_invoices(struct call *call) {
    struct list_query query;
    struct error error = {0};
    struct paging p = {.call = call, .query = &query, .before = INT64_MAX};
    if (!schema_query(&list_orders_query, call->request->query, call->arena, &query, &error) ||
        (query.starting_after.n && !str_to_int(query.starting_after, 1, INT64_MAX, &p.before) &&
         !list_bad_cursor(&error))) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (!list_read_page(call, read_invoices, &p)) return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, query.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        invoices_write(out, &p.invoices[i]);
    }
    list_end(out, shown < p.n ? arena_printf(call->arena, "%lld", (long long)p.invoices[shown - 1].number) : STR(""));
    call_answer(call);
    return HTTP_ANSWER;
}
