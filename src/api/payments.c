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

void invoices_cells(struct cells *cells, const struct invoice_row *row) {
    cells_int(cells, "number", row->number);
    cells_word(cells, "kind", str_of(invoice_kind_names[row->kind]));
    cells_word(cells, "state", str_of(invoice_state_names[row->state]));
    cells_text(cells, "order_id", row->order_id);
    cells_text(cells, "renewal_id", row->renewal_id);
    cells_text(cells, "refund_id", row->refund_id);
    cells_money(cells, "total", row->total);
    cells_money(cells, "amount_owed", row->owed);
    cells_word(cells, "currency", STR("USD"));
    cells_time(cells, "timestamp_issued", row->issued_ms);
    cells_time(cells, "timestamp_paid", row->paid_ms);
}

void invoices_write(struct buf *out, const struct invoice_row *row) {
    struct cells cells;
    cells_begin(&cells, out, CELLS_JSON);
    invoices_cells(&cells, row);
    cells_end(&cells);
}

struct paging {
    const struct call *call;
    const struct list_query *query;
    struct payment_row *payments;
    size_t n;
};

/* One more than asked for tells whether there is another page. */
static bool read_payments(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    return payments_page(db, str_of(p->call->identity->workspace.id), p->query->starting_after,
                         (size_t)p->query->limit + 1, p->call->arena, &p->payments, &p->n, reterr);
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
