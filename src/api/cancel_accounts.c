#include <stddef.h>

#include "api/list_query.h"
#include "base/log.h"
#include "store/cancel.h"
#include "worker/worker.h"

struct cancel_body {
    struct str *accounts;
    size_t n_accounts;
};

static const struct schema_field fields[] = {
    {.name = "accounts",
     .type = SCHEMA_ARRAY,
     .required = true,
     .offset = offsetof(struct cancel_body, accounts),
     .count_offset = offsetof(struct cancel_body, n_accounts),
     .items = SCHEMA_STRING,
     .has_min_items = true,
     .min_items = 1},
};

static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct cancel_body)};

enum http_verdict cancel_accounts_begin(struct call *call) {
    struct cancel_body *body = ARENA_NEW(call->arena, struct cancel_body);
    struct error error = {0};
    if (!schema_body(&schema, call->request->body, call->arena, body, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = body;
    return HTTP_DEFER;
}

struct cancelling {
    struct cancellation job;
    struct arena *arena;
    struct account_row *rows;
    size_t n;
};

static bool cancel_change(struct db *db, void *arg, struct error *reterr) {
    struct cancelling *c = arg;
    return cancel_accounts(db, &c->job, c->arena, &c->rows, &c->n, reterr);
}

void cancel_accounts_run(struct call *call) {
    const struct cancel_body *body = call->order;
    const struct world *world = call->config->world;
    char audit_id[UUID_TEXT];
    ids_uuid(world->ids, audit_id);
    struct cancelling c = {
        .job =
            {
                .workspace_id = str_of(call->identity->workspace.id),
                .emails = body->accounts,
                .n = body->n_accounts,
                .audit_id = str_of(audit_id),
                .actor = call_actor(call),
                .now_ms = clock_now(world->clock),
            },
        .arena = call->arena,
    };
    struct error error = {0};
    if (!store_write(world->store, cancel_change, &c, &error)) {
        call_fail(call, &error, "Nothing was cancelled.");
        return;
    }
    if (call->config->worker) worker_wake(call->config->worker);
    log_event(LOG_INFO, "accounts_cancelled", LOG_STR("workspace", c.job.workspace_id), LOG_INT("accounts", c.n));
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"items\":[");
    for (size_t i = 0; i < c.n; i++) {
        if (i) buf_add_byte(out, ',');
        list_add_account(out, &c.rows[i]);
        buf_add_byte(out, '}');
    }
    BUF_LIT(out, "]}");
    call_answer(call);
}
