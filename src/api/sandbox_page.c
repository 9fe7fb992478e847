/* /sandbox/checkout/{reference}: the page of the sandbox's bank, with its test cards. Only there with that driver. */
#include "driver/payment/sandbox_checkout.h"

#include "api/html.h"
#include "api/payment_events.h"
#include "base/log.h"
#include "driver/sandbox_magic.h"

static bool is_sandbox(const struct call *call) {
    const struct drivers *drivers = call->config->world->drivers;
    return drivers->book && str_is(STR("sandbox"), drivers->payment->ops->name);
}

/* The page; false when the answer is an error already. */
static bool find_page(struct call *call, struct sandbox_page *ret) {
    struct error error = {0};
    struct answer answer = {0};
    struct sandbox_book *book = call->config->world->drivers->book;
    enum outcome outcome = OUTCOME_REFUSED;
    if (is_sandbox(call)) outcome = sandbox_page_get(book, call->parameter, call->arena, ret, &answer);
    if (outcome == OUTCOME_DONE) return true;
    if (outcome == OUTCOME_REFUSED)
        error_set(&error, ERR_NOT_FOUND, "Resource not found");
    else
        error_set(&error, ERR_UNAVAILABLE, "The sandbox's book cannot be read now. Try again.");
    call_refuse(call, &error);
    return false;
}

/* Whether it is the answer to a charge that such a card delays or loses; there is none on a page. */
static bool is_late(enum magic does) {
    return does == MAGIC_LOST || does == MAGIC_DROPPED || does == MAGIC_SILENT || does == MAGIC_FLAKY;
}

static void add_cards(struct buf *out) {
    BUF_LIT(out, "<form method=\"post\">\n");
    for (size_t i = 0; i < MAGIC_ROWS; i++) {
        const struct magic_row *row = &magic_rows[i];
        if (row->place != MAGIC_PAYMENT) continue;
        buf_printf(out, "<button name=\"card\" value=\"%s\">%s ending in %s", row->word, row->brand, row->last4);
        BUF_LIT(out, "<small>");
        if (is_late(row->does)) BUF_LIT(out, "works here; later: ");
        html_text(out, str_of(row->what));
        BUF_LIT(out, "</small></button>\n");
    }
    BUF_LIT(out, "</form>\n");
}

/* PROBLEM: what went wrong with the last card; NULL: nothing. */
static void show(struct call *call, const struct sandbox_page *page, const char *problem) {
    static const char *const titles[] = {"Pay with a test card", "Paid", "This page is closed"};
    struct buf *out = &call->response->body;
    html_begin(call, titles[page->state]);
    BUF_LIT(out, "<p>");
    html_text(out, page->description);
    BUF_LIT(out, "</p>\n<p class=\"amount\">");
    html_money(out, page->amount);
    BUF_LIT(out, "</p>\n");
    if (problem) {
        BUF_LIT(out, "<p class=\"bad\">Not paid: ");
        html_text(out, str_of(problem));
        BUF_LIT(out, ".</p>\n");
    }
    if (page->state == SANDBOX_PAGE_OPEN) add_cards(out);
    if (page->state == SANDBOX_PAGE_CLOSED && !problem) BUF_LIT(out, "<p>Nothing can be paid here any more.</p>\n");
    BUF_LIT(out, "<p><a href=\"");
    html_text(out, page->return_url);
    BUF_LIT(out, "\">Back to the order</a></p>\n<p><small>The sandbox: no money moves.</small></p>\n");
    html_end(call, 200);
}

void sandbox_page_run(struct call *call) {
    struct sandbox_page page;
    if (find_page(call, &page)) show(call, &page, NULL);
}

static struct str notice_header(void *arg, const char *name) {
    const struct sandbox_notice *notice = arg;
    return str_is(str_of(name), sandbox_signature_header) ? str_of(notice->signature) : STR("");
}

/* The bank tells dfyd, by a notice like one that comes from outside. One that fails is lost, as it may be there, too:
 * the page is looked at by itself. */
static void send_notice(const struct call *call, struct sandbox_book *book) {
    struct sandbox_notice notice;
    struct answer answer;
    struct error error;
    if (sandbox_notice_make(book, call->parameter, &notice, &answer) != OUTCOME_DONE) return;
    if (!payment_event_take(call, call->config->world->drivers->payment, notice_header, &notice, str_of(notice.body),
                            &error))
        log_event(LOG_WARN, "notice_lost", LOG_TEXT("reason", error.message),
                  LOG_TEXT("next", "the page is looked at by itself"));
}

void sandbox_pay_run(struct call *call) {
    struct sandbox_page page;
    if (!find_page(call, &page)) return;
    struct str body = call->request->body;
    struct str token = str_starts(body, "card=") ? (struct str){body.p + 5, body.n - 5} : STR("");
    struct sandbox_book *book = call->config->world->drivers->book;
    struct payment_answer answer;
    enum outcome outcome = sandbox_page_pay(book, call->parameter, token, &answer);
    world_reached(call->config->world, "checkout.paid");
    if (outcome == OUTCOME_DONE) send_notice(call, book);
    if (find_page(call, &page)) show(call, &page, outcome == OUTCOME_DONE ? NULL : answer.answer.reason);
}
