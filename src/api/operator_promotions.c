/* GET and POST /api/dfyd/v1/operator/promotions, POST .../promotions/{id}/end. */
#include <stddef.h>

#include "api/member.h"
#include "api/operator.h"
#include "api/operator_detail.h"

static const char nothing_done[] = "Nothing was changed.";

/* ---- what is shown ---- */

static const char *state_of(const struct promotion_row *row, int64_t now_ms) {
    if (row->ends_ms <= now_ms) return "over";
    if (row->starts_ms > now_ms) return "planned";
    return row->max_orders && row->used_orders >= row->max_orders ? "used_up" : "open";
}

static void add_row(struct buf *out, const struct promotion_row *row, int64_t now_ms) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, row->id);
    operator_promotion_members(out, row);
    member_text(out, "state", str_of(state_of(row, now_ms)));
    operator_add_workspace(out, row->workspace_id, row->workspace);
    buf_printf(out, ",\"used_orders\":%lld", (long long)row->used_orders);
    member_time(out, "timestamp_created", row->created_ms);
    BUF_LIT(out, "}");
}

/* ---- GET ---- */

enum wanted { WANTED_OPEN, WANTED_ALL };
static const char *const wanted_words[] = {"open", "all", NULL};

static const struct schema_field fields[] = {
    OPERATOR_PAGE_FIELDS,
    OPERATOR_SEARCH_FIELD,
    {.name = "state",
     .type = SCHEMA_STRING,
     .words = wanted_words,
     .offset = offsetof(struct operator_query, state),
     .has_default = true,
     .fallback = WANTED_OPEN},
};
static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct operator_query)};

struct paging {
    struct promotion_query query;
    struct arena *arena;
    struct promotion_row *rows;
    size_t n;
};

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    return promotion_list(db, &p->query, p->arena, &p->rows, &p->n, reterr);
}

enum http_verdict operator_promotions(struct call *call) {
    struct operator_query query;
    if (!operator_read_query(call, &schema, true, &query)) return HTTP_ANSWER;
    struct paging p = {
        .query = {.all = query.state == WANTED_ALL,
                  .now_ms = clock_now(call->config->world->clock),
                  .before = query.starting_after,
                  .search = query.search,
                  .max = (size_t)query.limit + 1}, /* one more than asked for tells whether there is another page */
        .arena = call->arena,
    };
    if (!list_read_page(call, read_page, &p)) return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, query.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_row(out, &p.rows[i], p.query.now_ms);
    }
    list_end(out, shown < p.n ? p.rows[shown - 1].id : STR(""));
    call_answer(call);
    return HTTP_ANSWER;
}

/* ---- POST: a new one ---- */

struct asked {
    struct str name, value, workspace, timestamp_start, timestamp_end;
    int64_t kind, max_orders, max_orders_each;
};

static const char *const kind_words[PROMOTION_KIND_END + 1] = {
    [PROMOTION_PERCENT] = "percent",
    [PROMOTION_AMOUNT] = "amount",
    [PROMOTION_FREE_DOMAINS] = "free_domains",
    [PROMOTION_FIRST_MONTH] = "first_month",
};

static const struct schema_field add_fields[] = {
    {.name = "name", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct asked, name)},
    {.name = "kind",
     .type = SCHEMA_STRING,
     .required = true,
     .words = kind_words,
     .offset = offsetof(struct asked, kind)},
    {.name = "value", .type = SCHEMA_DECIMAL, .nullable = true, .offset = offsetof(struct asked, value)},
    {.name = "workspace", .type = SCHEMA_STRING, .nullable = true, .offset = offsetof(struct asked, workspace)},
    {.name = "timestamp_start",
     .type = SCHEMA_STRING,
     .nullable = true,
     .offset = offsetof(struct asked, timestamp_start)},
    {.name = "timestamp_end", .type = SCHEMA_STRING, .nullable = true, .offset = offsetof(struct asked, timestamp_end)},
    {.name = "max_orders",
     .type = SCHEMA_INTEGER,
     .offset = offsetof(struct asked, max_orders),
     .has_minimum = true,
     .minimum = 0},
    {.name = "max_orders_each",
     .type = SCHEMA_INTEGER,
     .offset = offsetof(struct asked, max_orders_each),
     .has_minimum = true,
     .minimum = 0},
};
static const struct schema add_schema = {add_fields, ARRAY_LEN(add_fields), sizeof(struct asked)};

struct changing {
    struct call *call;
    struct str asked_workspace;
    struct str id; /* of the one that is ended */
    int64_t end_ms, now_ms;
    struct promotion_row row;
    struct audit_record record;
};

static bool tell(struct db *db, struct changing *c, struct error *reterr) {
    c->record.detail = operator_promotion_detail(&c->row, c->call->arena);
    return audit_add(db, &c->record, reterr);
}

static bool add_change(struct db *db, void *arg, struct error *reterr) {
    struct changing *c = arg;
    struct workspace workspace;
    if (!operator_workspace(db, c->asked_workspace, c->call->arena, &workspace, reterr)) return false;
    c->row.workspace_id = arena_str(c->call->arena, str_of(workspace.id));
    c->row.workspace = workspace.name;
    return promotion_add(db, &c->row, reterr) && tell(db, c, reterr);
}

static bool end_change(struct db *db, void *arg, struct error *reterr) {
    struct changing *c = arg;
    struct promotion_row *rows;
    size_t n;
    const struct promotion_query query = {.all = true, .only = c->id, .max = 1};
    if (!promotion_list(db, &query, c->call->arena, &rows, &n, reterr)) return false;
    if (!n) return error_set(reterr, ERR_NOT_FOUND, "Resource not found");
    c->row = *rows;
    if (!promotion_end(db, c->row.name, c->end_ms, c->now_ms, reterr)) return false;
    c->row.ends_ms = c->end_ms;
    return tell(db, c, reterr);
}

static void run(struct changing *c, enum activity activity, store_fn *change) {
    struct call *call = c->call;
    struct error error = {0};
    c->record = operator_record(call, activity, 1, STR("{}"), c->now_ms);
    if (!store_write(call->config->world->store, change, c, &error)) {
        call_fail(call, &error, nothing_done);
        return;
    }
    add_row(&call->response->body, &c->row, c->now_ms);
    call_answer(call);
}

static bool read_asked(const struct call *call, struct changing *ret, struct error *reterr) {
    struct asked asked;
    if (!schema_body(&add_schema, call->request->body, call->arena, &asked, reterr)) return false;
    *ret = (struct changing){
        .asked_workspace = asked.workspace,
        .row = {.name = asked.name,
                .kind = (enum promotion_kind)asked.kind,
                .max_orders = asked.max_orders,
                .max_orders_each = asked.max_orders_each},
    };
    return promotion_read_value(ret->row.kind, asked.value, "", &ret->row.value, reterr) &&
           operator_time(asked.timestamp_start, "timestamp_start", 0, &ret->row.starts_ms, reterr) &&
           operator_time(asked.timestamp_end, "timestamp_end", INT64_MAX, &ret->row.ends_ms, reterr);
}

enum http_verdict operator_add_promotion_begin(struct call *call) {
    struct changing *c = ARENA_NEW(call->arena, struct changing);
    struct error error = {0};
    if (!read_asked(call, c, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = c;
    return HTTP_DEFER;
}

void operator_add_promotion_run(struct call *call) {
    struct changing *c = call->order;
    const struct world *world = call->config->world;
    char *id = arena_alloc(call->arena, UUID_TEXT);
    ids_uuid(world->ids, id);
    c->call = call;
    c->row.id = str_of(id);
    /* Taken last, so that what starts now does not start in the past. */
    c->now_ms = c->row.created_ms = clock_now(world->clock);
    if (!c->row.starts_ms) c->row.starts_ms = c->now_ms;
    run(c, ACTIVITY_PROMOTION_ADDED, add_change);
}

/* ---- POST: the end of one ---- */

enum http_verdict operator_end_promotion_begin(struct call *call) {
    struct changing *c = ARENA_NEW(call->arena, struct changing);
    struct operator_end asked = {.timestamp_end = STR("")};
    struct error error = {0};
    bool ok =
        !call->request->body.n || schema_body(&operator_end_schema, call->request->body, call->arena, &asked, &error);
    if (!ok || !operator_time(asked.timestamp_end, "timestamp_end", 0, &c->end_ms, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = c;
    return HTTP_DEFER;
}

void operator_end_promotion_run(struct call *call) {
    struct changing *c = call->order;
    c->call = call;
    c->id = call->parameter;
    c->now_ms = clock_now(call->config->world->clock);
    if (!c->end_ms) c->end_ms = c->now_ms;
    run(c, ACTIVITY_PROMOTION_ENDED, end_change);
}
