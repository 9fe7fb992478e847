/* GET and POST /api/dfyd/v1/operator/prices, POST .../prices/{version}/end: the price book. */
#include <stddef.h>
#include <stdio.h>

#include "api/member.h"
#include "api/operator.h"
#include "api/operator_detail.h"

static const char nothing_done[] = "Nothing was changed.";

/* ---- what is shown ---- */

static const char *state_of(const struct price_version *v, int64_t now_ms) {
    if (!v->holds) return "over";
    if (v->starts_ms > now_ms) return "planned";
    return v->is_set ? "in_force" : "over";
}

static void add_version(struct buf *out, const struct price_version *v, int64_t now_ms) {
    BUF_LIT(out, "{\"version\":");
    buf_add_int(out, v->version);
    member_text(out, "name", v->price);
    BUF_LIT(out, ",\"amount\":");
    if (v->is_set)
        money_json(out, v->amount);
    else
        BUF_LIT(out, "null");
    member_text(out, "state", str_of(state_of(v, now_ms)));
    operator_add_workspace(out, v->workspace_id, v->workspace);
    member_time(out, "timestamp_start", v->starts_ms);
    member_time(out, "timestamp_created", v->created_ms);
    BUF_LIT(out, "}");
}

/* ---- GET ---- */

static const struct schema_field fields[] = {
    OPERATOR_PAGE_FIELDS,
    {.name = "workspace", .type = SCHEMA_STRING, .offset = offsetof(struct operator_query, workspace)},
};
static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct operator_query)};

struct book {
    const struct call *call;
    const struct operator_query *query;
    int64_t now_ms, before;
    struct workspace workspace;
    struct prices prices;
    struct price_plan *plans;
    size_t n_plans;
    struct price_version *versions;
    size_t n;
};

static bool read_book(struct db *db, void *arg, struct error *reterr) {
    struct book *b = arg;
    struct arena *arena = b->call->arena;
    if (!operator_workspace(db, b->query->workspace, arena, &b->workspace, reterr)) return false;
    const struct price_query query = {
        .all = !b->query->workspace.n,
        .workspace_id = str_of(b->workspace.id),
        .before = b->before,
        .now_ms = b->now_ms,
        .max = (size_t)b->query->limit + 1, /* one more than asked for tells whether there is another page */
    };
    int64_t until_ms;
    return price_book_get(db, query.workspace_id, b->now_ms, &b->prices, &until_ms, reterr) &&
           price_book_plans(db, query.workspace_id, b->now_ms, arena, &b->plans, &b->n_plans, reterr) &&
           price_book_history(db, &query, arena, &b->versions, &b->n, reterr);
}

static void add_prices(struct buf *out, const struct prices *prices) {
    struct prices standard = prices_standard();
    BUF_LIT(out, ",\"prices\":[");
    for (int i = 0; i < PRICE_END; i++) {
        const struct price_row *row = &price_rows[i];
        if (i) buf_add_byte(out, ',');
        buf_printf(out, "{\"name\":\"%s\"", row->name);
        member_text(out, "what", str_of(row->what));
        member_money(out, "amount", prices->of[i]);
        member_money(out, "standard_amount", standard.of[i]);
        member_text(out, "follows", row->follows ? str_of(price_rows[row->followed].name) : STR(""));
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}

static void add_plans(struct buf *out, const struct book *book) {
    const struct prices *before = &book->prices;
    BUF_LIT(out, ",\"planned\":[");
    for (size_t i = 0; i < book->n_plans; i++) {
        const struct price_plan *plan = &book->plans[i];
        if (i) buf_add_byte(out, ',');
        BUF_LIT(out, "{\"timestamp_start\":");
        list_add_time(out, plan->starts_ms);
        BUF_LIT(out, ",\"prices\":{");
        bool first = true;
        for (int j = 0; j < PRICE_END; j++) {
            if (before->of[j] == plan->prices.of[j]) continue;
            buf_printf(out, "%s\"%s\":", first ? "" : ",", price_rows[j].name);
            money_json(out, plan->prices.of[j]);
            first = false;
        }
        BUF_LIT(out, "}}");
        before = &plan->prices;
    }
    BUF_LIT(out, "]");
}

static bool read_cursor(struct call *call, struct str text, int64_t *ret) {
    struct error error = {0};
    *ret = 0;
    if (!text.n || str_to_int(text, 1, INT64_MAX, ret)) return true;
    call_refuse(call, (list_bad_cursor(&error), &error));
    return false;
}

enum http_verdict operator_prices(struct call *call) {
    struct operator_query query;
    struct book book = {.call = call, .query = &query, .now_ms = clock_now(call->config->world->clock)};
    if (!operator_read_query(call, &schema, false, &query) || !read_cursor(call, query.starting_after, &book.before) ||
        !list_read_page(call, read_book, &book))
        return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"version\":");
    buf_add_int(out, book.prices.version);
    member_text(out, "currency", STR("USD"));
    operator_add_workspace(out, str_of(book.workspace.id), book.workspace.name);
    add_prices(out, &book.prices);
    add_plans(out, &book);
    BUF_LIT(out, ",\"items\":[");
    size_t shown = list_shown(book.n, query.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_version(out, &book.versions[i], book.now_ms);
    }
    char next[24] = "";
    if (shown < book.n) snprintf(next, sizeof next, "%lld", (long long)book.versions[shown - 1].version);
    list_end(out, str_of(next));
    call_answer(call);
    return HTTP_ANSWER;
}

/* ---- POST ---- */

struct asked {
    struct str name, amount, workspace, timestamp_start;
};

static const struct schema_field change_fields[] = {
    {.name = "name", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct asked, name)},
    {.name = "amount", .type = SCHEMA_DECIMAL, .required = true, .offset = offsetof(struct asked, amount)},
    {.name = "workspace", .type = SCHEMA_STRING, .nullable = true, .offset = offsetof(struct asked, workspace)},
    {.name = "timestamp_start",
     .type = SCHEMA_STRING,
     .nullable = true,
     .offset = offsetof(struct asked, timestamp_start)},
};
static const struct schema change_schema = {change_fields, ARRAY_LEN(change_fields), sizeof(struct asked)};

struct changing {
    struct call *call;
    struct str workspace;
    int64_t ended; /* the version that is ended; 0: a price is set */
    struct price_change change;
    struct audit_record record;
    struct price_version made;
};

/* Reads the version that was just made, for the answer and the record. */
static bool tell(struct db *db, struct changing *c, const struct price_changed *changed, struct error *reterr) {
    struct arena *arena = c->call->arena;
    if (!price_book_find(db, changed->version, c->change.now_ms, arena, &c->made, reterr)) return false;
    c->record.detail = operator_price_detail(&c->made, changed->ended, arena);
    return audit_add(db, &c->record, reterr);
}

static bool set_change(struct db *db, void *arg, struct error *reterr) {
    struct changing *c = arg;
    struct workspace workspace;
    if (!operator_workspace(db, c->workspace, c->call->arena, &workspace, reterr)) return false;
    c->change.workspace_id = arena_str(c->call->arena, str_of(workspace.id));
    struct price_changed changed;
    return price_book_change(db, &c->change, &changed, reterr) && tell(db, c, &changed, reterr);
}

static bool end_change(struct db *db, void *arg, struct error *reterr) {
    struct changing *c = arg;
    struct price_changed changed;
    return price_book_end(db, c->ended, c->change.starts_ms, c->change.now_ms, c->call->arena, &changed, reterr) &&
           tell(db, c, &changed, reterr);
}

static void run(struct changing *c, enum activity activity, store_fn *change) {
    struct call *call = c->call;
    const struct world *world = call->config->world;
    struct error error = {0};
    /* Taken last, so that what starts now does not start in the past. */
    c->change.now_ms = clock_now(world->clock);
    if (!c->change.starts_ms) c->change.starts_ms = c->change.now_ms;
    c->record = operator_record(call, activity, 1, STR("{}"), c->change.now_ms);
    if (!store_write(world->store, change, c, &error)) {
        call_fail(call, &error, nothing_done);
        return;
    }
    add_version(&call->response->body, &c->made, c->change.now_ms);
    call_answer(call);
}

enum http_verdict operator_set_price_begin(struct call *call) {
    struct changing *c = ARENA_NEW(call->arena, struct changing);
    struct asked asked;
    struct error error = {0};
    *c = (struct changing){.change = {.is_set = true}};
    bool ok = schema_body(&change_schema, call->request->body, call->arena, &asked, &error);
    if (ok && (c->change.price = price_by_name(asked.name)) == PRICE_END)
        ok = error_set(&error, ERR_INVALID, "there is no price \"%.*s\"; the price book lists all of them",
                       asked.name.n > 40 ? 40 : (int)asked.name.n, asked.name.p);
    ok = ok && price_read_amount(asked.amount, "", &c->change.amount, &error) &&
         operator_time(asked.timestamp_start, "timestamp_start", 0, &c->change.starts_ms, &error);
    if (!ok) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    c->workspace = asked.workspace;
    call->order = c;
    return HTTP_DEFER;
}

void operator_set_price_run(struct call *call) {
    struct changing *c = call->order;
    c->call = call;
    run(c, ACTIVITY_PRICE_SET, set_change);
}

enum http_verdict operator_end_price_begin(struct call *call) {
    struct changing *c = ARENA_NEW(call->arena, struct changing);
    struct operator_end asked = {.timestamp_end = STR("")};
    struct error error = {0};
    bool ok =
        !call->request->body.n || schema_body(&operator_end_schema, call->request->body, call->arena, &asked, &error);
    if (ok && !str_to_int(call->parameter, 1, INT64_MAX, &c->ended))
        ok = error_set(&error, ERR_NOT_FOUND, "Resource not found");
    if (!ok || !operator_time(asked.timestamp_end, "timestamp_end", 0, &c->change.starts_ms, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = c;
    return HTTP_DEFER;
}

void operator_end_price_run(struct call *call) {
    struct changing *c = call->order;
    c->call = call;
    run(c, ACTIVITY_PRICE_ENDED, end_change);
}
