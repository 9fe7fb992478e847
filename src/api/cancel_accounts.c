#include <stddef.h>

#include "api/list_query.h"
#include "base/log.h"
#include "step/cancel.h"
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

void cancel_accounts_run(struct call *call) {
    const struct cancel_body *body = call->order;
    struct str workspace_id = str_of(call->identity->workspace.id);
    struct account_row *rows;
    size_t n;
    struct error error = {0};
    if (!cancel_run(call->config->world, workspace_id, body->accounts, body->n_accounts, call_actor(call), call->arena,
                    &rows, &n, &error)) {
        call_fail(call, &error, "Nothing was cancelled.");
        return;
    }
    if (call->config->worker) worker_wake(call->config->worker);
    log_event(LOG_INFO, "accounts_cancelled", LOG_STR("workspace", workspace_id), LOG_INT("accounts", n));
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"items\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add_byte(out, ',');
        list_add_account(out, &rows[i]);
        buf_add_byte(out, '}');
    }
    BUF_LIT(out, "]}");
    call_answer(call);
}
