#include "order_money.h"

#include <stdio.h>

#include "core/calendar.h"
#include "table.h"
#include "text.h"

struct str order_money_discount(const struct order_view *view, struct arena *arena) {
    if (!view->discount) return STR("");
    return arena_printf(arena, "%.*s, promotion %.*s", STR_ARG(text_amount(view->discount, arena)),
                        STR_ARG(view->promotion_name));
}

static struct str day_of(int64_t ms, struct arena *arena) {
    char text[CALENDAR_TEXT];
    calendar_format(ms, text);
    return arena_str(arena, str_of(text));
}

static void print_lines(const struct order_view *view, struct arena *arena) {
    static const char *const titles[] = {"LINE", "DOMAIN", "QUANTITY", "PRICE", "DISCOUNT", "AMOUNT", "UNTIL", NULL};
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < view->n_lines; i++) {
        const struct bill_line *line = &view->lines[i].line;
        table_add(table, (const struct str[]){
                             str_of(line_kind_names[line->kind]),
                             view->lines[i].domain,
                             arena_printf(arena, "%lld", (long long)line->quantity),
                             text_amount(line->unit, arena),
                             line->discount ? text_amount(line->discount, arena) : STR(""),
                             text_amount(line->amount, arena),
                             day_of(line->to_ms, arena),
                         });
    }
    putchar('\n');
    table_print(table, stdout);
}

/* The number of its document; REFUND_ID empty: of what was charged. */
static struct str document_of(const struct order_view *view, struct str refund_id, struct arena *arena) {
    for (size_t i = 0; i < view->n_invoices; i++)
        if (str_eq(view->invoices[i].refund_id, refund_id))
            return arena_printf(arena, "%lld", (long long)view->invoices[i].number);
    return STR("");
}

static struct str method_of(const struct payment_row *payment, struct arena *arena) {
    if (!payment->brand.n || str_eq(payment->brand, payment->driver)) return payment->driver;
    return arena_printf(arena, "%.*s %.*s %.*s", STR_ARG(payment->driver), STR_ARG(payment->brand),
                        STR_ARG(payment->last4));
}

static void add_refund(struct table *table, const struct order_view *view, const struct viewed_refund *refund,
                       struct arena *arena) {
    struct str subject = refund->email.n ? refund->email : refund->domain;
    struct str why = refund->reason.n ? refund->reason : refund->why;
    bool is_open = !refund->ended_ms && !str_is(refund->state, "failed");
    table_add(table, (const struct str[]){
                         STR("refund"),
                         text_amount(refund->amount, arena),
                         refund->state,
                         text_second(refund->created_ms, arena),
                         view->driver,
                         document_of(view, refund->id, arena),
                         is_open ? text_second(refund->due_ms, arena) : STR(""),
                         subject.n ? arena_printf(arena, "%.*s: %.*s", STR_ARG(subject), STR_ARG(why)) : why,
                     });
}

static void print_movements(const struct order_view *view, struct arena *arena) {
    static const char *const titles[] = {"MONEY",   "AMOUNT",   "STATE",  "AT", "WITH",
                                         "INVOICE", "NEXT TRY", "REASON", NULL};
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < view->n_payments; i++) {
        const struct payment_row *payment = &view->payments[i];
        if (payment->is_refund) continue; /* view->refunds has them from the decision on */
        table_add(table, (const struct str[]){
                             STR("charge"),
                             text_amount(payment->amount, arena),
                             payment->failed ? STR("failed") : STR("succeeded"),
                             text_second(payment->at_ms, arena),
                             method_of(payment, arena),
                             payment->failed ? STR("") : document_of(view, STR(""), arena),
                             STR(""),
                             payment->reason.n ? payment->reason : payment->decline,
                         });
    }
    for (size_t i = 0; i < view->n_refunds; i++) add_refund(table, view, &view->refunds[i], arena);
    putchar('\n');
    table_print(table, stdout);
}

void order_money_print(const struct order_view *view, struct arena *arena) {
    if (view->n_lines) print_lines(view, arena);
    if (view->n_payments || view->n_refunds) print_movements(view, arena);
}
