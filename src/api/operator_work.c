/* GET /api/dfyd/v1/operator/work: what is stuck. POST .../work/retry: what helps. */
#include <stddef.h>
#include <stdlib.h>

#include "api/member.h"
#include "api/operator.h"
#include "api/operator_detail.h"
#include "base/log.h"
#include "worker/worker.h"

enum { LATELY_MS = 7 * 24 * 60 * 60 * 1000, ALL_KINDS = (1 << WORK_KIND_END) - 1 };

/* ---- GET ---- */

struct asked {
    int64_t limit, kind;
    bool has_kind;
    struct str starting_after;
};

static const struct schema_field fields[] = {
    SCHEMA_RANGE(asked, limit, 1, 100, 50),
    {.name = "kind",
     .type = SCHEMA_STRING,
     .words = work_kind_names,
     .offset = offsetof(struct asked, kind),
     .present_offset = offsetof(struct asked, has_kind)},
    {.name = "starting_after", .type = SCHEMA_STRING, .offset = offsetof(struct asked, starting_after)},
};
static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct asked)};

struct looking {
    struct work_query query;
    struct arena *arena;
    struct work work;
};

static bool look_read(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    return work_list(db, &l->query, l->arena, &l->work, reterr);
}

/* A place as clients hand it back: "open" or "over", the time, and the id, with dots between. */
static struct str place_text(const struct work_place *place, struct arena *arena) {
    return arena_printf(arena, "%s.%lld.%.*s", place->is_over ? "over" : "open", (long long)place->ms,
                        STR_ARG(place->id));
}

static bool place_read(struct str text, struct work_place *ret) {
    struct str rest;
    struct str state = str_cut(text, '.', &rest), ms = str_cut(rest, '.', &rest);
    *ret = (struct work_place){.is_over = str_is(state, "over"), .id = rest};
    return (ret->is_over || str_is(state, "open")) && rest.n && str_to_int(ms, 0, INT64_MAX, &ret->ms);
}

enum http_verdict operator_work_begin(struct call *call) {
    enum http_verdict verdict = operator_defer(call, &schema); /* it reads more than a range of an index */
    const struct asked *asked = call->order;
    struct work_place place;
    struct error error = {0};
    if (verdict != HTTP_DEFER || !asked->starting_after.n) return verdict;
    if (asked->has_kind ? place_read(asked->starting_after, &place) || list_bad_cursor(&error)
                        : error_set(&error, ERR_INVALID, "querystring/starting_after needs the kind of that page"))
        return verdict;
    call_refuse(call, &error);
    return HTTP_ANSWER;
}

static int newest_first(const void *a, const void *b) {
    const struct work_row *x = a, *y = b;
    if (x->since_ms != y->since_ms) return x->since_ms < y->since_ms ? 1 : -1;
    return str_cmp(y->id, x->id);
}

static void add_row(struct buf *out, const struct work_row *row) {
    BUF_LIT(out, "{\"kind\":");
    buf_add_json(out, str_of(work_kind_names[row->kind]));
    member_text(out, "id", row->id);
    operator_add_workspace(out, row->workspace_id, row->workspace);
    member_text(out, "what", row->what);
    member_text(out, "why", row->why);
    member_time(out, "timestamp_since", row->since_ms);
    member_text(out, "next", row->next);
    member_time(out, "timestamp_next", row->next_ms);
    buf_printf(out, ",\"attempts\":%lld", (long long)row->attempts);
    member_text(out, "action", row->helps ? STR("retry") : STR(""));
    member_text(out, "action_text", str_of(row->helps));
    BUF_LIT(out, "}");
}

void operator_work_run(struct call *call) {
    const struct asked *asked = call->order;
    struct work_place after;
    int64_t now_ms = clock_now(call->config->world->clock);
    struct looking looking = {
        .query = {.kinds = asked->has_kind ? 1U << asked->kind : ALL_KINDS,
                  .now_ms = now_ms,
                  .lately_ms = now_ms - LATELY_MS,
                  .max = (size_t)asked->limit,
                  .after = place_read(asked->starting_after, &after) ? &after : NULL},
        .arena = call->arena,
    };
    if (!list_read_page(call, look_read, &looking)) return;
    const struct work *work = &looking.work;
    struct str next = STR("");
    if (asked->has_kind && work->more) next = place_text(&work->rows[work->n - 1].place, call->arena);
    if (!asked->has_kind && work->n) qsort(work->rows, work->n, sizeof *work->rows, newest_first);
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"items\":[");
    for (size_t i = 0; i < work->n; i++) {
        if (i) buf_add_byte(out, ',');
        add_row(out, &work->rows[i]);
    }
    BUF_LIT(out, "],\"more\":[");
    for (int kind = 0, n = 0; kind < WORK_KIND_END; kind++)
        if (work->more & 1U << kind) buf_printf(out, "%s\"%s\"", n++ ? "," : "", work_kind_names[kind]);
    list_end(out, next);
    call_answer(call);
}

/* ---- POST ---- */

struct retrying {
    struct call *call;
    int64_t kind;
    struct str id, workspace_id;
    struct audit_record record;
};

static const struct schema_field retry_fields[] = {
    {.name = "kind",
     .type = SCHEMA_STRING,
     .required = true,
     .words = work_kind_names,
     .offset = offsetof(struct retrying, kind)},
    {.name = "id", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct retrying, id)},
};
static const struct schema retry_schema = {retry_fields, ARRAY_LEN(retry_fields), sizeof(struct retrying)};

static bool retry_change(struct db *db, void *arg, struct error *reterr) {
    struct retrying *r = arg;
    if (!work_retry(db, (enum work_kind)r->kind, r->id, r->record.now_ms, r->call->arena, &r->workspace_id, reterr))
        return false;
    r->record.detail = operator_work_detail((enum work_kind)r->kind, r->id, r->workspace_id, r->call->arena);
    return audit_add(db, &r->record, reterr);
}

enum http_verdict operator_retry_begin(struct call *call) {
    struct retrying *r = ARENA_NEW(call->arena, struct retrying);
    struct error error = {0};
    if (!schema_body(&retry_schema, call->request->body, call->arena, r, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = r;
    return HTTP_DEFER;
}

void operator_retry_run(struct call *call) {
    struct retrying *r = call->order;
    const struct world *world = call->config->world;
    struct error error = {0};
    r->call = call;
    r->record = operator_record(call, ACTIVITY_WORK_RETRIED, 1, STR("{}"), clock_now(world->clock));
    if (!store_write(world->store, retry_change, r, &error)) {
        call_fail(call, &error, "Nothing was changed.");
        return;
    }
    log_event(LOG_INFO, "work_retried", LOG_TEXT("kind", work_kind_names[r->kind]), LOG_STR("id", r->id));
    if (call->config->worker) worker_wake(call->config->worker);
    struct buf *out = &call->response->body;
    buf_printf(out, "{\"kind\":\"%s\"", work_kind_names[r->kind]);
    member_text(out, "id", r->id);
    BUF_LIT(out, "}");
    call_answer(call);
}
