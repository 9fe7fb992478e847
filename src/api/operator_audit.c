/* GET /api/dfyd/v1/operator/audit-logs: who changed what, in any workspace and in the business. */
#include <stddef.h>

#include "api/member.h"
#include "api/operator.h"

static const struct schema_field fields[] = {
    OPERATOR_PAGE_FIELDS,
    OPERATOR_SEARCH_FIELD,
    {.name = "workspace", .type = SCHEMA_STRING, .offset = offsetof(struct operator_query, workspace)},
    {.name = "activity", .type = SCHEMA_STRING, .offset = offsetof(struct operator_query, activity)},
};
static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct operator_query)};

struct paging {
    const struct call *call;
    const struct operator_query *query;
    struct audit_row_of *rows;
    size_t n;
};

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    struct workspace workspace;
    if (!operator_workspace(db, p->query->workspace, p->call->arena, &workspace, reterr)) return false;
    const struct audit_query_of query = {
        .workspace_id = arena_str(p->call->arena, str_of(workspace.id)),
        .activity = p->query->activity,
        .before = p->query->starting_after,
        .search = p->query->search,
        .limit = (size_t)p->query->limit + 1, /* one more than asked for tells whether there is another page */
    };
    return audit_page_of_all(db, &query, p->call->arena, &p->rows, &p->n, reterr);
}

static void add_row(struct buf *out, const struct audit_row_of *of) {
    const struct audit_row *row = &of->row;
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, row->id);
    member_time(out, "timestamp", row->at_ms);
    operator_add_workspace(out, of->workspace_id, of->workspace);
    member_text(out, "activity", row->activity);
    member_text(out, "api_key_id", row->key_id);
    member_text(out, "api_key_name", of->key_name);
    member_text(out, "ip_address", row->address);
    member_text(out, "user_agent", row->user_agent);
    buf_printf(out, ",\"affected_count\":%lld,\"detail\":", (long long)row->affected);
    buf_add(out, row->detail); /* an object that was written by dfyd */
    BUF_LIT(out, "}");
}

void operator_audit_run(struct call *call) {
    const struct operator_query *query = call->order;
    struct paging p = {.call = call, .query = query};
    if (!list_read_page(call, read_page, &p)) return;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, query->limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_row(out, &p.rows[i]);
    }
    list_end(out, shown < p.n ? p.rows[shown - 1].row.id : STR(""));
    call_answer(call);
}

enum http_verdict operator_audit_begin(struct call *call) {
    struct operator_query *query = ARENA_NEW(call->arena, struct operator_query);
    if (!operator_read_query(call, &schema, true, query)) return HTTP_ANSWER;
    call->order = query;
    /* A filter may have to read every record; all else is the end of an index. */
    if (query->search.n || query->activity.n || query->workspace.n) return HTTP_DEFER;
    operator_audit_run(call);
    return HTTP_ANSWER;
}
