#include <stddef.h>
#include <yyjson.h>

#include "api/list_query.h"
#include "api/time_text.h"

struct asked {
    int64_t limit, activity_type;
    struct str starting_after, search, start_date, end_date;
    bool has_type;
};

static const struct schema_field fields[] = {
    SCHEMA_RANGE(asked, limit, 1, 1000, 10),
    {.name = "starting_after", .type = SCHEMA_STRING, .offset = offsetof(struct asked, starting_after)},
    {.name = "activity_type",
     .type = SCHEMA_NUMBER,
     .offset = offsetof(struct asked, activity_type),
     .present_offset = offsetof(struct asked, has_type)},
    {.name = "search", .type = SCHEMA_STRING, .offset = offsetof(struct asked, search)},
    {.name = "start_date", .type = SCHEMA_STRING, .offset = offsetof(struct asked, start_date)},
    {.name = "end_date", .type = SCHEMA_STRING, .offset = offsetof(struct asked, end_date)},
};

static const struct schema audit_schema = {fields, ARRAY_LEN(fields), sizeof(struct asked)};

static bool bad_time(const char *name, struct error *reterr) {
    return error_set(reterr, ERR_INVALID,
                     "querystring/%s must be a date such as 2026-03-05 or a time such as 2026-03-05T23:09:47.406Z",
                     name);
}

static bool read_query(const struct call *call, struct audit_query *ret, struct error *reterr) {
    struct asked asked;
    if (!schema_query(&audit_schema, call->request->query, call->arena, &asked, reterr)) return false;
    if (asked.starting_after.n && !uuid_is_valid(asked.starting_after)) return list_bad_cursor(reterr);
    int64_t from = INT64_MIN, to = INT64_MAX, other;
    if (asked.start_date.n && !time_text_parse(asked.start_date, &from, &other)) return bad_time("start_date", reterr);
    if (asked.end_date.n && !time_text_parse(asked.end_date, &other, &to)) return bad_time("end_date", reterr);
    *ret = (struct audit_query){
        .workspace_id = str_of(call->identity->workspace.id),
        .before = asked.starting_after,
        .from_ms = from,
        .to_ms = to,
        .has_type = asked.has_type,
        .type = asked.activity_type,
        .search = asked.search,
        .limit = (size_t)asked.limit,
    };
    return true;
}

/* ---- the answer ---- */

/* What the detail calls NAME, a text; empty: nothing. */
static struct str detail_text(struct str detail, const char *name, struct arena *arena) {
    struct str text = STR("");
    yyjson_doc *doc = yyjson_read(detail.p, detail.n, 0);
    yyjson_val *value = yyjson_obj_get(yyjson_doc_get_root(doc), name);
    if (yyjson_is_str(value)) text = arena_str(arena, (struct str){yyjson_get_str(value), yyjson_get_len(value)});
    yyjson_doc_free(doc);
    return text;
}

static void add_text_or_null(struct buf *out, struct str text) {
    if (text.n)
        buf_add_json(out, text);
    else
        BUF_LIT(out, "null");
}

static void add_row(struct buf *out, const struct audit_row *row, struct str workspace_id, struct arena *arena) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, row->id);
    BUF_LIT(out, ",\"timestamp\":");
    list_add_time(out, row->at_ms);
    BUF_LIT(out, ",\"organization_id\":");
    buf_add_json(out, workspace_id);
    BUF_LIT(out, ",\"activity_type\":");
    buf_add_int(out, row->type);
    BUF_LIT(out, ",\"user_agent\":");
    add_text_or_null(out, row->user_agent);
    BUF_LIT(out, ",\"user_id\":null,\"ip_address\":");
    buf_add_json(out, row->address);
    buf_add(out,
            row->key_id.n ? STR(",\"from_api\":true,\"api_key_id\":") : STR(",\"from_api\":false,\"api_key_id\":"));
    add_text_or_null(out, row->key_id);
    BUF_LIT(out, ",\"affected_count\":");
    buf_add_int(out, row->affected);
    BUF_LIT(out, ",\"campaign_id\":null,\"webhook_id\":");
    add_text_or_null(out,
                     str_starts(row->activity, "webhook_") ? detail_text(row->detail, "webhook_id", arena) : STR(""));
    BUF_LIT(out, ",\"subsequence_id\":null,\"list_id\":null,\"audit_metadata\":{\"activity\":");
    buf_add_json(out, row->activity);
    /* The detail is an object that was written by dfyd: its members follow. */
    if (row->detail.n > 2) {
        buf_add_byte(out, ',');
        buf_add(out, (struct str){row->detail.p + 1, row->detail.n - 2});
    }
    BUF_LIT(out, "},\"user_name\":null}");
}

struct paging {
    struct audit_query query;
    struct call *call;
    struct audit_row *rows;
    size_t n;
};

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    struct audit_query query = p->query;
    query.limit++; /* one more than asked for tells whether there is another page */
    return audit_page(db, &query, p->call->arena, &p->rows, &p->n, reterr);
}

void list_audit_run(struct call *call) {
    struct paging p = {.query = *(const struct audit_query *)call->order, .call = call};
    p.query.workspace_id = str_of(call->identity->workspace.id);
    if (!list_read_page(call, read_page, &p)) return;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, (int64_t)p.query.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_row(out, &p.rows[i], p.query.workspace_id, call->arena);
    }
    list_end(out, shown < p.n ? p.rows[shown - 1].id : STR(""));
    call_answer(call);
}

enum http_verdict list_audit_begin(struct call *call) {
    struct audit_query *query = ARENA_NEW(call->arena, struct audit_query);
    struct error error = {0};
    if (!read_query(call, query, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = query;
    /* A search may have to read every record; all else is a range of an index. */
    if (query->search.n) return HTTP_DEFER;
    list_audit_run(call);
    return HTTP_ANSWER;
}
