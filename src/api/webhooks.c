#include <stddef.h>

#include "api/list_query.h"
#include "api/webhook_body.h"
#include "api/webhook_types.h"
#include "driver/hook/hook.h"
#include "step/deliver.h"
#include "worker/worker.h"

enum { TEST_TIMEOUT_MS = 10000 };

static const char nothing_done[] = "Nothing was changed.";

/* ---- what all of them do ---- */

/* One webhook, what is done with it, and the record of that. */
struct doing {
    struct call *call;
    const struct webhook_asked *asked;
    struct webhook webhook;
    struct str sealed_secret;
    struct audit_record record;
};

static struct str workspace_of(const struct call *call) {
    return str_of(call->identity->workspace.id);
}

static struct audit_record record_of(struct call *call, enum activity activity, struct str webhook_id) {
    const int64_t now_ms = clock_now(call->config->world->clock);
    struct audit_record record = call_record(call, activity, workspace_of(call), now_ms);
    record.detail = arena_printf(call->arena, "{\"webhook_id\":\"%.*s\"}", STR_ARG(webhook_id));
    return record;
}

static bool find(struct db *db, struct doing *d, struct error *reterr) {
    return webhook_get(db, workspace_of(d->call), d->call->parameter, d->call->arena, &d->webhook, reterr);
}

/* Answers with the webhook. */
static void say(struct call *call, const struct webhook *webhook) {
    struct error error = {0};
    if (webhook_body_write(call, webhook, &call->response->body, &error))
        call_answer(call);
    else
        call_fail(call, &error, "");
}

/* Runs CHANGE and answers with the webhook as it was left. */
static void change_and_say(struct doing *d, store_fn *change) {
    struct error error = {0};
    if (store_write_of(d->call->config->world->store, workspace_of(d->call), change, d, &error))
        say(d->call, &d->webhook);
    else
        call_fail(d->call, &error, nothing_done);
}

enum http_verdict webhook_defer(struct call *call) {
    (void)call;
    return HTTP_DEFER;
}

/* ---- POST: a new one ---- */

static enum http_verdict begin_with_body(struct call *call, bool is_change) {
    struct webhook_asked *asked = ARENA_NEW(call->arena, struct webhook_asked);
    struct error error = {0};
    if (!webhook_body_read(call, is_change, asked, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = asked;
    return HTTP_DEFER;
}

enum http_verdict create_webhook_begin(struct call *call) {
    return begin_with_body(call, false);
}

static bool create_change(struct db *db, void *arg, struct error *reterr) {
    const struct doing *d = arg;
    return webhook_add(db, &d->webhook, reterr) &&
           webhook_secret_put(db, d->webhook.workspace_id, d->sealed_secret, false, reterr) &&
           audit_add(db, &d->record, reterr);
}

void create_webhook_run(struct call *call) {
    const struct world *world = call->config->world;
    char *id = arena_alloc(call->arena, UUID_TEXT);
    ids_uuid(world->ids, id);
    struct doing d = {
        .call = call,
        .webhook = {.id = str_of(id), .workspace_id = workspace_of(call), .is_active = true},
        .sealed_secret = vault_seal(world->vault, world->rng, deliver_make_secret(world, call->arena), call->arena),
        .record = record_of(call, ACTIVITY_WEBHOOK_CREATED, str_of(id)),
    };
    d.webhook.created_ms = d.record.now_ms;
    webhook_body_apply(call, call->order, &d.webhook);
    change_and_say(&d, create_change);
}

/* ---- GET: one ---- */

static bool get_read(struct db *db, void *arg, struct error *reterr) {
    return find(db, arg, reterr);
}

enum http_verdict get_webhook(struct call *call) {
    struct doing d = {.call = call};
    struct error error = {0};
    if (store_read(call->config->world->store, get_read, &d, &error))
        say(call, &d.webhook);
    else
        call_fail(call, &error, "");
    return HTTP_ANSWER;
}

/* ---- PATCH ---- */

enum http_verdict change_webhook_begin(struct call *call) {
    enum http_verdict verdict = begin_with_body(call, true);
    const struct webhook_asked *a = call->order;
    bool changes = a && (a->has_target || a->has_campaign || a->has_name || a->has_event_type ||
                         a->has_custom_interest_value || a->has_headers);
    /* Only properties that nobody knows. */
    return verdict == HTTP_DEFER && !changes ? get_webhook(call) : verdict;
}

static bool change_change(struct db *db, void *arg, struct error *reterr) {
    struct doing *d = arg;
    if (!find(db, d, reterr)) return false;
    webhook_body_apply(d->call, d->asked, &d->webhook);
    return webhook_change(db, &d->webhook, reterr) && audit_add(db, &d->record, reterr);
}

void change_webhook_run(struct call *call) {
    struct doing d = {
        .call = call, .asked = call->order, .record = record_of(call, ACTIVITY_WEBHOOK_CHANGED, call->parameter)};
    change_and_say(&d, change_change);
}

/* ---- DELETE ---- */

static bool delete_change(struct db *db, void *arg, struct error *reterr) {
    struct doing *d = arg;
    return find(db, d, reterr) && webhook_remove(db, d->webhook.id, reterr) && audit_add(db, &d->record, reterr);
}

void delete_webhook_run(struct call *call) {
    struct doing d = {.call = call, .record = record_of(call, ACTIVITY_WEBHOOK_REMOVED, call->parameter)};
    change_and_say(&d, delete_change);
}

/* ---- POST resume ---- */

static bool resume_change(struct db *db, void *arg, struct error *reterr) {
    struct doing *d = arg;
    return find(db, d, reterr) && webhook_resume(db, d->webhook.id, d->record.now_ms, reterr) && find(db, d, reterr) &&
           audit_add(db, &d->record, reterr);
}

void resume_webhook_run(struct call *call) {
    struct doing d = {.call = call, .record = record_of(call, ACTIVITY_WEBHOOK_CHANGED, call->parameter)};
    change_and_say(&d, resume_change);
    if (call->config->worker) worker_wake(call->config->worker);
}

/* ---- POST test ---- */

static bool test_read(struct db *db, void *arg, struct error *reterr) {
    struct doing *d = arg;
    return find(db, d, reterr) &&
           webhook_secret_get(db, d->webhook.workspace_id, d->call->arena, &d->sealed_secret, reterr);
}

static void say_tested(struct call *call, bool arrived, const struct hook_answer *answer) {
    struct buf *out = &call->response->body;
    buf_add(out, arrived ? STR("{\"success\":true,\"message\":\"The target took the sample event.\"")
                         : STR("{\"success\":false,\"message\":\"The target did not take the sample event.\""));
    BUF_LIT(out, ",\"response_time_ms\":");
    buf_add_int(out, answer->took_ms);
    if (answer->status) {
        BUF_LIT(out, ",\"status_code\":");
        buf_add_int(out, answer->status);
    }
    if (!arrived) {
        BUF_LIT(out, ",\"error\":");
        buf_add_json(out, str_of(answer->answer.reason));
    }
    BUF_LIT(out, "}");
    call_answer(call);
}

void test_webhook_run(struct call *call) {
    const struct world *world = call->config->world;
    struct doing d = {.call = call};
    struct error error = {0};
    struct hook_answer answer;
    bool arrived;
    if (!store_read(world->store, test_read, &d, &error)) {
        call_fail(call, &error, "");
    } else if (!call_may_wait(call)) {
        error_set(&error, ERR_RATE_LIMITED, "Other webhooks are being tested. Try again in some seconds.");
        call_refuse(call, &error);
    } else {
        bool ok = deliver_sample(world, &d.webhook, d.sealed_secret, TEST_TIMEOUT_MS, &arrived, &answer, &error);
        call_has_waited(call);
        if (ok)
            say_tested(call, arrived, &answer);
        else
            call_fail(call, &error, "");
    }
}

/* ---- GET event-types ---- */

enum http_verdict list_webhook_types(struct call *call) {
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"event_types\":[");
    for (size_t i = 0; i < n_webhook_types; i++)
        buf_printf(out, "%s{\"id\":\"%s\",\"label\":\"%s\",\"type\":\"%s\"}", i ? "," : "", webhook_types[i].id,
                   webhook_types[i].label, webhook_types[i].type);
    BUF_LIT(out, "]}");
    call_answer(call);
    return HTTP_ANSWER;
}

/* ---- GET: a page ---- */

struct query {
    int64_t limit;
    struct str starting_after, campaign, event_type; /* empty: any */
};

static const struct schema_field query_fields[] = {
    SCHEMA_RANGE(query, limit, 1, 100, 10),
    {.name = "starting_after", .type = SCHEMA_STRING, .offset = offsetof(struct query, starting_after)},
    {.name = "campaign", .type = SCHEMA_STRING, .offset = offsetof(struct query, campaign)},
    {.name = "event_type",
     .type = SCHEMA_STRING,
     .offset = offsetof(struct query, event_type),
     .fault = webhook_type_fault},
};
static const struct schema query_schema = {query_fields, ARRAY_LEN(query_fields), sizeof(struct query), 0};

struct paging {
    const struct call *call;
    const struct query *query;
    struct webhook *rows;
    size_t n;
};

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    const struct webhook_filter filter = {
        .workspace_id = workspace_of(p->call),
        .before = p->query->starting_after,
        .campaign = p->query->campaign,
        .event_type = p->query->event_type,
    };
    /* One more than asked for tells whether there is another page. */
    return webhook_page(db, &filter, (size_t)p->query->limit + 1, p->call->arena, &p->rows, &p->n, reterr);
}

static bool write_page(const struct paging *p, struct buf *out, struct error *reterr) {
    size_t shown = list_begin(out, p->n, p->query->limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        if (!webhook_body_write(p->call, &p->rows[i], out, reterr)) return false;
    }
    list_end(out, shown < p->n ? p->rows[shown - 1].id : STR(""));
    return true;
}

enum http_verdict list_webhooks(struct call *call) {
    struct query query;
    struct paging p = {.call = call, .query = &query};
    struct error error = {0};
    bool ok = schema_query(&query_schema, call->request->query, call->arena, &query, &error);
    if (ok && query.starting_after.n && !uuid_is_valid(query.starting_after)) ok = list_bad_cursor(&error);
    if (!ok) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (store_read(call->config->world->store, read_page, &p, &error) && write_page(&p, &call->response->body, &error))
        call_answer(call);
    else
        call_fail(call, &error, "");
    return HTTP_ANSWER;
}
