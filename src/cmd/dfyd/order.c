#include "store/orders.h"

#include <stdio.h>

#include "commands.h"
#include "operate.h"
#include "order_money.h"
#include "renewal.h"
#include "setup.h"
#include "store/steps.h"
#include "table.h"
#include "text.h"
#include "who.h"

/* Why an order is not done. The charge of one that nobody has asked about yet has no reason of its own. */
static struct str reason_of(const struct order_row *order) {
    if (order->reason.n || order->state != ORDER_RESERVED) return order->reason;
    return order->checkout_url.n ? STR("waits for the customer to pay")
                                 : STR("its charge is under way, or was not answered");
}

/* When its charge is looked at again, or the next of its steps tried. */
static struct str next_try(const struct order_row *order, struct arena *arena) {
    int64_t at_ms = order->state == ORDER_RESERVED ? order->settle_after_ms : order->next_step_ms;
    return at_ms ? text_second(at_ms, arena) : STR("");
}

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    static const char *const titles[] = {"ID",     "CREATED",  "WORKSPACE", "TYPE", "STATE",
                                         "AMOUNT", "NEXT TRY", "REASON",    NULL};
    struct listing *l = arg;
    struct order_row *orders;
    size_t n;
    if (!order_list(db, l->stuck, l->max, l->arena, &orders, &n, reterr)) return false;
    l->table = table_create(l->arena, titles);
    for (size_t i = 0; i < n; i++)
        table_add(l->table, (const struct str[]){
                                orders[i].id,
                                text_second(orders[i].created_ms, l->arena),
                                who_of(db, orders[i].workspace_id, l->arena),
                                str_of(order_type_names[orders[i].type]),
                                str_of(order_state_names[orders[i].state]),
                                text_amount(orders[i].amount, l->arena),
                                next_try(&orders[i], l->arena),
                                reason_of(&orders[i]),
                            });
    return true;
}

bool run_order_list(const struct invocation *invocation, struct error *reterr) {
    return operate_list(invocation, list_read, reterr);
}

struct showing {
    struct str id;
    struct arena *arena;
    struct order_row order;
    struct str workspace;
    struct order_view view;
    struct step *steps;
    size_t n;
    struct renewal_row *renewals; /* that are not paid */
    size_t n_renewals;
};

static bool show_read(struct db *db, void *arg, struct error *reterr) {
    struct showing *s = arg;
    if (!order_get(db, s->id, s->arena, &s->order, reterr)) return false;
    s->workspace = who_of(db, s->order.workspace_id, s->arena);
    return order_view_get(db, s->order.workspace_id, s->id, s->arena, &s->view, reterr) &&
           step_list(db, s->id, s->arena, &s->steps, &s->n, reterr) &&
           renewals_of_order(db, s->id, s->arena, &s->renewals, &s->n_renewals, reterr);
}

static void print_order(const struct showing *s) {
    const struct order_row *order = &s->order;
    const struct str pairs[] = {
        STR("order"),     order->id,
        STR("workspace"), s->workspace,
        STR("type"),      str_of(order_type_names[order->type]),
        STR("state"),     str_of(order_state_names[order->state]),
        STR("amount"),    text_amount(order->amount, s->arena),
        STR("discount"),  order_money_discount(&s->view, s->arena),
        STR("created"),   text_time(order->created_ms, s->arena),
        STR("reason"),    reason_of(order),
        STR("next try"),  next_try(order, s->arena),
        STR("tries"),     arena_printf(s->arena, "%lld", (long long)order->attempts),
    };
    /* What is tried again is the question whether the charge went through. */
    size_t n = ARRAY_LEN(pairs) / 2;
    table_print_pairs(pairs, order->state == ORDER_RESERVED ? n : n - 2, stdout);
}

/* Steps stand by domain. */
static void print_domains(const struct showing *s) {
    static const char *const titles[] = {"DOMAIN", "STATE", NULL};
    struct table *table = table_create(s->arena, titles);
    for (size_t i = 0; i < s->n; i++) {
        const struct step *step = &s->steps[i];
        if (i && str_eq(step->domain_id, s->steps[i - 1].domain_id)) continue;
        table_add(table, (const struct str[]){step->domain, str_of(domain_state_names[step->domain_state])});
    }
    table_print(table, stdout);
}

/* A running step comes again then, unless it ends before. */
static bool step_has_time(const struct step *step) {
    return step->state == STEP_DUE || step->state == STEP_RETRYING || step->state == STEP_RUNNING;
}

static void print_steps(const struct showing *s) {
    static const char *const titles[] = {"DOMAIN", "STEP", "MAILBOX", "STATE", "ATTEMPTS", "NEXT TRY", "REASON", NULL};
    struct table *table = table_create(s->arena, titles);
    for (size_t i = 0; i < s->n; i++) {
        const struct step *step = &s->steps[i];
        table_add(table, (const struct str[]){
                             step->domain,
                             str_of(step_kind_names[step->kind]),
                             step->email,
                             str_of(step_state_names[step->state]),
                             arena_printf(s->arena, "%lld", (long long)step->attempts),
                             step_has_time(step) ? text_second(step->due_ms, s->arena) : STR(""),
                             step->reason,
                         });
    }
    table_print(table, stdout);
}

static void print_renewals(const struct showing *s) {
    struct table *table = table_create(s->arena, renewal_table_titles);
    for (size_t i = 0; i < s->n_renewals; i++) renewal_table_add(table, &s->renewals[i], s->workspace, s->arena);
    table_print(table, stdout);
}

bool run_order_show(const struct invocation *invocation, struct error *reterr) {
    struct showing s = {.id = str_of(invocation_value(invocation, "id")), .arena = invocation->arena};
    if (!store_read(invocation->setup->store, show_read, &s, reterr)) return false;
    print_order(&s);
    order_money_print(&s.view, s.arena);
    if (!s.n) return true;
    putchar('\n');
    print_domains(&s);
    putchar('\n');
    print_steps(&s);
    if (!s.n_renewals) return true;
    putchar('\n');
    print_renewals(&s);
    return true;
}
