#include <stdio.h>

#include "commands.h"
#include "operate.h"
#include "setup.h"
#include "store/refunds.h"
#include "table.h"
#include "text.h"
#include "told.h"
#include "who.h"

enum { WHY_MAX = 200 };

/* What it is for: a mailbox, a domain or a part of the bill. */
static struct str subject(const struct refund *refund, struct arena *arena) {
    if (refund->email.n) return refund->email;
    if (refund->domain.n) return refund->domain;
    return arena_printf(arena, "%s %.*s", bill_kind_names[refund->bill_kind], STR_ARG(refund->bill_id));
}

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    static const char *const titles[] = {"ID",  "CREATED",  "WORKSPACE", "AMOUNT", "STATE",
                                         "FOR", "NEXT TRY", "WHY",       "REASON", NULL};
    struct listing *l = arg;
    const struct refund_query query = {.stuck = l->stuck, .max = l->max};
    struct refund *refunds;
    size_t n;
    if (!refund_list(db, &query, l->arena, &refunds, &n, reterr)) return false;
    l->table = table_create(l->arena, titles);
    for (size_t i = 0; i < n; i++) {
        const struct refund *r = &refunds[i];
        bool is_open = r->state == REFUND_WAITING || r->state == REFUND_DUE || r->state == REFUND_RUNNING;
        table_add(l->table,
                  (const struct str[]){r->id, text_second(r->created_ms, l->arena),
                                       who_of(db, r->workspace_id, l->arena), text_amount(r->amount, l->arena),
                                       str_of(refund_state_names[r->state]), subject(r, l->arena),
                                       is_open ? text_second(r->due_ms, l->arena) : STR(""), r->why, r->reason});
    }
    return true;
}

bool run_refund_list(const struct invocation *invocation, struct error *reterr) {
    return operate_list(invocation, list_read, reterr);
}

struct making {
    struct ids *ids;
    struct str bill_id, why;
    cents amount;
    char id[UUID_TEXT];
    struct audit_record record;
    struct arena *arena;
};

static bool make_change(struct db *db, void *arg, struct error *reterr) {
    struct making *m = arg;
    if (!refund_make(db, m->ids, m->bill_id, m->amount, m->why, m->record.now_ms, m->id, reterr)) return false;
    const struct told_member told[] = {{"refund_id", TOLD_TEXT, .text = str_of(m->id)},
                                       {"bill_id", TOLD_TEXT, .text = m->bill_id},
                                       {"amount", TOLD_MONEY, .number = m->amount},
                                       {"why", TOLD_TEXT, .text = m->why}};
    m->record.detail = told_detail(told, ARRAY_LEN(told), m->arena);
    return told_of_business(db, m->record, reterr);
}

bool run_refund_make(const struct invocation *invocation, struct error *reterr) {
    struct setup *setup = invocation->setup;
    const char *amount = invocation_value(invocation, "amount");
    struct making making = {
        .ids = &setup->ids,
        .bill_id = str_of(invocation_value(invocation, "order")),
        .why = str_trim(str_of(invocation_value(invocation, "why"))),
        .record = told_record(invocation, ACTIVITY_REFUND_MADE),
        .arena = invocation->arena,
    };
    if (!money_parse(str_of(amount), &making.amount) || making.amount == 0)
        return error_set(reterr, ERR_INVALID, "--amount must be dollars, more than 0, such as 4.50; not \"%.40s\"",
                         amount);
    if (!making.why.n || making.why.n > WHY_MAX)
        return error_set(reterr, ERR_INVALID, "--why must be 1 to %d characters: it stands on the credit note",
                         WHY_MAX);
    if (!store_write(setup->store, make_change, &making, reterr)) return false;
    printf("%s\n", making.id);
    return true;
}

bool run_refund_retry(const struct invocation *invocation, struct error *reterr) {
    return operate_retry(invocation, WORK_REFUND, refund_retry, reterr);
}
