/* GET /api/dfyd/v1/operator/inventory and DELETE .../inventory/{domain}: the pre-warmed domains. */
#include <stddef.h>

#include "api/member.h"
#include "api/operator.h"
#include "api/operator_detail.h"
#include "core/name.h"

/* ---- GET ---- */

static const char *const state_words[] = {
    [STOCK_FOR_SALE] = "for_sale", [STOCK_SOLD] = "sold", [STOCK_ANY] = "all", NULL};

static const struct schema_field fields[] = {
    OPERATOR_PAGE_FIELDS,
    OPERATOR_SEARCH_FIELD,
    {.name = "state",
     .type = SCHEMA_STRING,
     .words = state_words,
     .offset = offsetof(struct operator_query, state),
     .has_default = true,
     .fallback = STOCK_ANY},
};
static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct operator_query)};

struct paging {
    struct stock_query query;
    struct arena *arena;
    struct stock_row *rows;
    size_t n;
};

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    return inventory_page(db, &p->query, p->arena, &p->rows, &p->n, reterr);
}

static void add_row(struct buf *out, const struct stock_row *row) {
    const struct stock *stock = &row->stock;
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, stock->domain);
    buf_printf(out, ",\"email_provider\":%d", (int)stock->provider);
    member_text(out, "state", str_of(state_words[stock->sold ? STOCK_SOLD : STOCK_FOR_SALE]));
    member_text(out, "order_id", row->order_id);
    operator_add_workspace(out, row->workspace_id, row->workspace);
    member_time(out, "timestamp_created", row->created_ms);
    BUF_LIT(out, ",\"accounts\":[");
    for (size_t i = 0; i < stock->n_accounts; i++) {
        const struct account *account = &stock->accounts[i];
        buf_add(out, i ? STR(",{\"email_address_prefix\":") : STR("{\"email_address_prefix\":"));
        buf_add_json(out, account->prefix);
        member_text(out, "first_name", account->first_name);
        member_text(out, "last_name", account->last_name);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]}");
}

static void answer_page(struct call *call, const struct operator_query *query) {
    struct paging p = {
        .query = {.state = (enum stock_state)query->state,
                  .search = query->search,
                  .after = query->starting_after,
                  .limit = (size_t)query->limit + 1}, /* one more than asked for tells whether there is another page */
        .arena = call->arena,
    };
    if (!list_read_page(call, read_page, &p)) return;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, query->limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_row(out, &p.rows[i]);
    }
    list_end(out, shown < p.n ? p.rows[shown - 1].stock.domain : STR(""));
    call_answer(call);
}

void operator_inventory_run(struct call *call) {
    answer_page(call, call->order);
}

enum http_verdict operator_inventory_begin(struct call *call) {
    struct operator_query *query = ARENA_NEW(call->arena, struct operator_query);
    if (!operator_read_query(call, &schema, false, query)) return HTTP_ANSWER;
    call->order = query;
    /* A filter may have to read all of the stock; all else is a range of it. */
    if (query->search.n || query->state != STOCK_ANY) return HTTP_DEFER;
    answer_page(call, query);
    return HTTP_ANSWER;
}

/* ---- DELETE ---- */

struct removal {
    struct str domain;
    struct audit_record record;
};

static bool remove_change(struct db *db, void *arg, struct error *reterr) {
    const struct removal *r = arg;
    return inventory_remove(db, r->domain, reterr) && audit_add(db, &r->record, reterr);
}

enum http_verdict operator_remove_stock_begin(struct call *call) {
    struct removal *removal = ARENA_NEW(call->arena, struct removal);
    struct error error = {0};
    /* What cannot be a domain's name is none that is stocked. */
    if (!name_host(str_trim(call->parameter), call->arena, &removal->domain)) {
        (void)error_set(&error, ERR_NOT_FOUND, "Resource not found");
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = removal;
    return HTTP_DEFER;
}

void operator_remove_stock_run(struct call *call) {
    struct removal *removal = call->order;
    struct error error = {0};
    removal->record =
        operator_record(call, ACTIVITY_INVENTORY_REMOVED, 1, operator_removed_detail(removal->domain, call->arena),
                        clock_now(call->config->world->clock));
    if (!store_write(call->config->world->store, remove_change, removal, &error)) {
        call_fail(call, &error, "Nothing was changed.");
        return;
    }
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, removal->domain);
    BUF_LIT(out, "}");
    call_answer(call);
}
