/* GET /checkout/{order}: where a customer comes back to from the payment provider's page. */
#include "step/checkout.h"

#include "api/html.h"
#include "worker/worker.h"

struct words {
    const char *title, *text;
};

static const struct words words[] = {
    [CHECKOUT_IS_OPEN] = {"Not paid yet",
                          "No payment was confirmed so far. If you have paid, this takes a moment: load "
                          "the page again."},
    [CHECKOUT_IS_PLACED] = {"Paid", "The order is placed. Its domains and mailboxes are being set up."},
    [CHECKOUT_IS_OVER] = {"Not paid", "The time to pay is over. Nothing was charged, and the order was given up. Order "
                                      "again to get a new page."},
    [CHECKOUT_IS_GIVEN_BACK] = {"Paid too late",
                                "The order had been given up before the payment arrived. The money goes "
                                "back to the card by itself."},
};

static void add_count(struct buf *out, int64_t n, const char *one, const char *many) {
    buf_add_int(out, n);
    buf_printf(out, " %s", n == 1 ? one : many);
}

static void show(struct call *call, const struct checkout *order, enum checkout_state state) {
    struct buf *out = &call->response->body;
    html_begin(call, words[state].title);
    BUF_LIT(out, "<p class=\"amount\">");
    html_money(out, order->amount);
    BUF_LIT(out, "</p>\n<p>");
    buf_add(out, str_of(words[state].text));
    BUF_LIT(out, "</p>\n<p><small>Order ");
    html_text(out, order->id);
    if (order->domains) {
        BUF_LIT(out, ": ");
        add_count(out, order->domains, "domain", "domains");
        BUF_LIT(out, ", ");
        add_count(out, order->accounts, "mailbox", "mailboxes");
    }
    BUF_LIT(out, "</small></p>\n");
    if (state == CHECKOUT_IS_OPEN && order->url.n) {
        BUF_LIT(out, "<p><a href=\"");
        html_text(out, order->url);
        BUF_LIT(out, "\">Pay</a></p>\n");
    }
    html_end(call, 200);
}

void checkout_return_run(struct call *call) {
    struct checkout order;
    enum checkout_state state;
    struct error error = {0};
    if (!checkout_look(call->config->world, call->parameter, false, call->arena, &order, &state, &error)) {
        if (error.code == ERR_NOT_FOUND) error_set(&error, ERR_NOT_FOUND, "Resource not found");
        call_fail(call, &error, "");
        return;
    }
    if (state == CHECKOUT_IS_PLACED && call->config->worker) worker_wake(call->config->worker);
    show(call, &order, state);
}
