/* One order: what became of it, of its money, and what is done next. */
#include "api/call.h"
#include "api/member.h"
#include "api/payments.h"
#include "api/step_json.h"
#include "store/order_view.h"

struct asked {
    const struct call *call;
    struct order_view view;
};

static bool read_view(struct db *db, void *arg, struct error *reterr) {
    struct asked *a = arg;
    return order_view_get(db, str_of(a->call->identity->workspace.id), a->call->parameter, a->call->arena, &a->view,
                          reterr);
}

static void add_account(struct buf *out, const struct viewed_account *account) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, account->id);
    member_text(out, "email", account->email);
    member_text(out, "state", str_of(account_state_names[account->state]));
    member_text(out, "reason", account->reason);
    BUF_LIT(out, "}");
}

static void add_domain(struct buf *out, const struct viewed_domain *domain) {
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, domain->name);
    member_text(out, "state", str_of(domain_state_names[domain->state]));
    member_text(out, "swapped_for", domain->swapped_for);
    BUF_LIT(out, ",\"accounts\":[");
    for (size_t i = 0; i < domain->n_accounts; i++) {
        if (i) buf_add_byte(out, ',');
        add_account(out, &domain->accounts[i]);
    }
    BUF_LIT(out, "],\"steps\":");
    step_json_list(out, domain->steps, domain->n_steps);
    BUF_LIT(out, "}");
}

static void add_refund(struct buf *out, const struct viewed_refund *refund) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, refund->id);
    member_text(out, "state", refund->state);
    member_money(out, "amount", refund->amount);
    member_text(out, "domain", refund->domain);
    member_text(out, "email", refund->email);
    member_text(out, "why", refund->why);
    member_text(out, "reason", refund->reason);
    member_time(out, "timestamp_created", refund->created_ms);
    member_time(out, "timestamp_next_try", refund->ended_ms ? 0 : refund->due_ms);
    member_time(out, "timestamp_ended", refund->ended_ms);
    BUF_LIT(out, "}");
}

static void add_promotion(struct buf *out, const struct order_view *view) {
    if (!view->promotion_id.n) {
        BUF_LIT(out, ",\"promotion\":null");
        return;
    }
    BUF_LIT(out, ",\"promotion\":{\"id\":");
    buf_add_json(out, view->promotion_id);
    member_text(out, "name", view->promotion_name);
    BUF_LIT(out, "}");
}

static void add_money(struct buf *out, const struct order_view *view) {
    member_money(out, "total_price", view->order.amount);
    member_money(out, "total_discount", view->discount);
    member_text(out, "currency", STR("USD"));
    BUF_LIT(out, ",\"price_version\":");
    buf_add_int(out, view->price_version);
    add_promotion(out, view);
    member_text(out, "payment_driver", view->driver);
    member_text(out, "payment_method_brand", view->brand);
    member_text(out, "payment_method_last_4_digits", view->last4);
    BUF_LIT(out, ",\"items\":[");
    for (size_t i = 0; i < view->n_lines; i++) {
        if (i) buf_add_byte(out, ',');
        invoice_line_json(out, &view->lines[i]);
    }
    BUF_LIT(out, "],\"payments\":[");
    for (size_t i = 0; i < view->n_payments; i++) {
        if (i) buf_add_byte(out, ',');
        payments_write(out, &view->payments[i]);
    }
    BUF_LIT(out, "],\"refunds\":[");
    for (size_t i = 0; i < view->n_refunds; i++) {
        if (i) buf_add_byte(out, ',');
        add_refund(out, &view->refunds[i]);
    }
    BUF_LIT(out, "],\"invoices\":[");
    for (size_t i = 0; i < view->n_invoices; i++) {
        if (i) buf_add_byte(out, ',');
        invoices_write(out, &view->invoices[i]);
    }
    BUF_LIT(out, "]");
}

enum http_verdict get_order(struct call *call) {
    struct asked asked = {.call = call};
    struct error error = {0};
    if (!store_read(call->config->world->store, read_view, &asked, &error)) {
        if (error.code == ERR_NOT_FOUND) error_set(&error, ERR_NOT_FOUND, "Resource not found");
        call_fail(call, &error, "");
        return HTTP_ANSWER;
    }
    const struct order_row *order = &asked.view.order;
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, order->id);
    member_text(out, "order_type", str_of(order_type_names[order->type]));
    member_text(out, "state", str_of(order_state_names[order->state]));
    member_text(out, "reason", order->reason);
    member_time(out, "timestamp_created", order->created_ms);
    member_time(out, "timestamp_ended", asked.view.ended_ms);
    bool on_page = order->checkout_url.n > 0;
    member_text(out, "checkout_url", order->checkout_url);
    member_time(out, "timestamp_checkout_ends", on_page ? order->checkout_expires_ms : 0);
    add_money(out, &asked.view);
    BUF_LIT(out, ",\"domains\":[");
    for (size_t i = 0; i < asked.view.n_domains; i++) {
        if (i) buf_add_byte(out, ',');
        add_domain(out, &asked.view.domains[i]);
    }
    BUF_LIT(out, "]}");
    call_answer(call);
    return HTTP_ANSWER;
}
