#include "api/list_query.h"

struct paging {
    const struct call *call;
    const struct list_query *query;
    struct domain_row *rows;
    size_t n;
};

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    /* One more than asked for tells whether there is another page. */
    return domain_page(db, str_of(p->call->identity->workspace.id), p->query->starting_after,
                       (size_t)p->query->limit + 1, p->call->arena, &p->rows, &p->n, reterr);
}

static void add_row(struct buf *out, const struct domain_row *row, struct str workspace_id) {
    BUF_LIT(out, "{\"workspace_id\":");
    buf_add_json(out, workspace_id);
    BUF_LIT(out, ",\"domain\":");
    buf_add_json(out, row->name);
    BUF_LIT(out, ",\"forwarding_domain\":");
    if (row->forwarding.n) {
        buf_add_json(out, row->forwarding);
        BUF_LIT(out, ",\"forwarding_mode\":");
        buf_add_json(out, str_of(forwarding_mode_names[row->mode]));
    } else {
        BUF_LIT(out, "null,\"forwarding_mode\":null");
    }
    buf_add(out, row->is_pre_warmed ? STR(",\"is_pre_warmed_up\":true") : STR(",\"is_pre_warmed_up\":false"));
    BUF_LIT(out, ",\"timestamp_cancelled\":");
    if (row->cancelled_ms)
        list_add_time(out, row->cancelled_ms);
    else
        BUF_LIT(out, "null");
    BUF_LIT(out, ",\"timestamp_created\":");
    list_add_time(out, row->created_ms);
    BUF_LIT(out, "}");
}

enum http_verdict list_orders(struct call *call) {
    struct list_query query;
    if (!list_read_query(call, &query)) return HTTP_ANSWER;
    struct paging p = {.call = call, .query = &query};
    if (!list_read_page(call, read_page, &p)) return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, query.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_row(out, &p.rows[i], str_of(call->identity->workspace.id));
    }
    list_end(out, shown < p.n ? p.rows[shown - 1].id : STR(""));
    call_answer(call);
    return HTTP_ANSWER;
}
