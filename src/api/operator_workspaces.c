/* GET /api/dfyd/v1/operator/workspaces: all of them. */
#include <stddef.h>

#include "api/member.h"
#include "api/operator.h"

static const struct schema_field fields[] = {OPERATOR_PAGE_FIELDS, OPERATOR_SEARCH_FIELD};
static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct operator_query)};

struct paging {
    const struct call *call;
    const struct operator_query *query;
    struct workspace_row *rows;
    size_t n;
};

/* One more than asked for tells whether there is another page. */
static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    return workspace_page(db, p->query->search, p->query->starting_after, (size_t)p->query->limit + 1, p->call->arena,
                          &p->rows, &p->n, reterr);
}

static void add_row(struct buf *out, const struct workspace_row *row) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, str_of(row->workspace.id));
    member_text(out, "name", row->workspace.name);
    buf_printf(out, ",\"plan_active\":%s", row->workspace.plan_active ? "true" : "false");
    member_text(out, "payment_driver", row->payment_driver);
    member_time(out, "timestamp_created", row->workspace.created_ms);
    BUF_LIT(out, "}");
}

enum http_verdict operator_workspaces(struct call *call) {
    struct operator_query query;
    if (!operator_read_query(call, &schema, true, &query)) return HTTP_ANSWER;
    struct paging p = {.call = call, .query = &query};
    if (!list_read_page(call, read_page, &p)) return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, query.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_row(out, &p.rows[i]);
    }
    list_end(out, shown < p.n ? str_of(p.rows[shown - 1].workspace.id) : STR(""));
    call_answer(call);
    return HTTP_ANSWER;
}
