#include "store/invoices.h"

#include <stdio.h>

#include "api/invoice_page.h"
#include "commands.h"
#include "setup.h"
#include "store/books.h"
#include "store/payments.h"
#include "table.h"
#include "text.h"
#include "told.h"
#include "who.h"

/* Bytes of a page at most. */
enum { PAGE_MAX = 256 << 20 };

struct job {
    const char *workspace; /* NULL: of all */
    size_t max;
    int64_t number;
    struct str note;
    struct arena *arena;
    struct invoice_row *invoices;
    struct payment_row *payments;
    size_t n;
    struct workspace *workspaces;
    size_t n_workspaces;
    struct invoice_row invoice;
    struct audit_record record; /* of a payment */
};

static bool read_number(const struct invocation *invocation, int64_t *ret, struct error *reterr) {
    const char *number = invocation_value(invocation, "number");
    return str_to_int(str_of(number), 1, INT64_MAX, ret) ||
           error_set(reterr, ERR_INVALID,
                     "--number must be that of an invoice, from `dfyd invoice list`, not \"%.40s\"", number);
}

/* What it is about. */
static struct str subject_of(const struct invoice_row *row, struct arena *arena) {
    if (row->order_id.n) return arena_printf(arena, "order %.*s", STR_ARG(row->order_id));
    if (row->renewal_id.n) return arena_printf(arena, "renewal %.*s", STR_ARG(row->renewal_id));
    return arena_printf(arena, "refund %.*s", STR_ARG(row->refund_id));
}

/* -- invoice list */

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct job *j = arg;
    struct str workspace;
    return who_id(db, j->workspace, j->arena, &workspace, reterr) &&
           workspace_list(db, j->arena, &j->workspaces, &j->n_workspaces, reterr) &&
           invoices_page(db, workspace, INT64_MAX, j->max, j->arena, &j->invoices, &j->n, reterr);
}

bool run_invoice_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"NUMBER", "ISSUED", "WORKSPACE", "KIND", "TOTAL",
                                         "STATE",  "OWED",   "ABOUT",     NULL};
    struct arena *arena = invocation->arena;
    struct job job = {.workspace = invocation_value(invocation, "workspace"), .arena = arena};
    if (!invocation_limit(invocation, &job.max, reterr) ||
        !store_read(invocation->setup->store, list_read, &job, reterr))
        return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < job.n; i++) {
        const struct invoice_row *row = &job.invoices[i];
        table_add(table, (const struct str[]){
                             arena_printf(arena, "%lld", (long long)row->number),
                             text_second(row->issued_ms, arena),
                             who_name(row->workspace_id, job.workspaces, job.n_workspaces),
                             str_of(invoice_kind_names[row->kind]),
                             text_amount(row->total, arena),
                             str_of(invoice_state_names[row->state]),
                             row->owed ? text_amount(row->owed, arena) : STR(""),
                             subject_of(row, arena),
                         });
    }
    table_print(table, stdout);
    return true;
}

/* -- invoice show */

static bool show_read(struct db *db, void *arg, struct error *reterr) {
    struct job *j = arg;
    return invoices_get(db, STR(""), j->number, j->arena, &j->invoice, reterr);
}

static bool print_page(const struct invoice_row *invoice, struct error *reterr) {
    struct buf page;
    buf_init(&page, PAGE_MAX);
    bool ok = invoice_page_write(&page, invoice, reterr);
    if (ok && page.failed) ok = error_set(reterr, ERR_INTERNAL, "the page is too large");
    if (ok) fwrite(page.p, 1, page.n, stdout);
    buf_finish(&page);
    return ok;
}

/* The document, as it is: JSON, for people and for other programs. */
bool run_invoice_show(const struct invocation *invocation, struct error *reterr) {
    struct job job = {.arena = invocation->arena};
    if (!read_number(invocation, &job.number, reterr) || !store_read(invocation->setup->store, show_read, &job, reterr))
        return false;
    if (invocation_has(invocation, "page")) return print_page(&job.invoice, reterr);
    printf("%.*s\n", STR_ARG(job.invoice.document));
    return true;
}

/* -- invoice pay */

static bool tell_of_payment(struct db *db, const struct job *j, struct error *reterr) {
    const struct told_member told[] = {{"invoice", TOLD_NUMBER, .number = j->number},
                                       {"amount", TOLD_MONEY, .number = j->invoice.owed},
                                       {"note", TOLD_TEXT, .text = j->note},
                                       {"workspace_id", TOLD_TEXT, .text = j->invoice.workspace_id}};
    struct audit_record record = j->record;
    record.detail = told_detail(told, ARRAY_LEN(told), j->arena);
    return told_of_business(db, record, reterr);
}

static bool pay_change(struct db *db, void *arg, struct error *reterr) {
    struct job *j = arg;
    return invoices_get(db, STR(""), j->number, j->arena, &j->invoice, reterr) &&
           books_invoice_paid(db, j->number, j->note, j->record.now_ms, reterr) && tell_of_payment(db, j, reterr);
}

bool run_invoice_pay(const struct invocation *invocation, struct error *reterr) {
    struct job job = {.note = str_of(invocation_value(invocation, "note")),
                      .arena = invocation->arena,
                      .record = told_record(invocation, ACTIVITY_INVOICE_PAID)};
    if (!read_number(invocation, &job.number, reterr) ||
        !store_write(invocation->setup->store, pay_change, &job, reterr))
        return false;
    printf("invoice %lld: %.*s paid\n", (long long)job.number, STR_ARG(text_amount(job.invoice.owed, job.arena)));
    return true;
}

/* -- payment list */

/* Who took the money, and from which card. */
static struct str method_of(const struct payment_row *row, struct arena *arena) {
    if (!row->brand.n || str_eq(row->brand, row->driver)) return row->driver;
    return arena_printf(arena, "%.*s %.*s %.*s", STR_ARG(row->driver), STR_ARG(row->brand), STR_ARG(row->last4));
}

static bool payments_read(struct db *db, void *arg, struct error *reterr) {
    struct job *j = arg;
    struct str workspace;
    return who_id(db, j->workspace, j->arena, &workspace, reterr) &&
           workspace_list(db, j->arena, &j->workspaces, &j->n_workspaces, reterr) &&
           payments_page(db, workspace, STR(""), j->max, j->arena, &j->payments, &j->n, reterr);
}

bool run_payment_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"ID",   "AT",    "WORKSPACE", "KIND",   "STATE", "AMOUNT",
                                         "WITH", "ABOUT", "REFERENCE", "REASON", NULL};
    struct arena *arena = invocation->arena;
    struct job job = {.workspace = invocation_value(invocation, "workspace"), .arena = arena};
    if (!invocation_limit(invocation, &job.max, reterr) ||
        !store_read(invocation->setup->store, payments_read, &job, reterr))
        return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < job.n; i++) {
        const struct payment_row *row = &job.payments[i];
        table_add(table,
                  (const struct str[]){
                      row->id,
                      text_second(row->at_ms, arena),
                      who_name(row->workspace_id, job.workspaces, job.n_workspaces),
                      row->is_refund ? STR("refund") : STR("charge"),
                      row->failed ? STR("failed") : STR("succeeded"),
                      text_amount(row->amount, arena),
                      method_of(row, arena),
                      arena_printf(arena, "%s %.*s", bill_kind_names[row->bill_kind], STR_ARG(row->bill_id)),
                      row->reference,
                      row->decline.n ? arena_printf(arena, "%.*s: %.*s", STR_ARG(row->decline), STR_ARG(row->reason))
                                     : row->reason,
                  });
    }
    table_print(table, stdout);
    return true;
}
