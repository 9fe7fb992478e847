/* swap: POST /api/dfyd/v1/domains/{domain}/swap, another name in place of a domain that could not be registered. */
#include <stddef.h>
#include <string.h>

#include "api/answer.h"
#include "api/call.h"
#include "api/order_judge.h"
#include "api/schema.h"
#include "base/log.h"
#include "core/name.h"
#include "step/swap.h"
#include "worker/worker.h"

/* How often a swap is judged anew because the world changed meanwhile. */
enum { ROUNDS_MAX = 3 };

static const char nothing_done[] = "Nothing was swapped.";

struct asked {
    struct str old_name; /* A-labels */
    struct str name;     /* as sent */
};

static const struct schema_field fields[] = {
    {.name = "domain",
     .type = SCHEMA_STRING,
     .required = true,
     .offset = offsetof(struct asked, name),
     .min_length = 1},
};

static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct asked)};

enum http_verdict swap_domain_begin(struct call *call) {
    struct asked *asked = ARENA_NEW(call->arena, struct asked);
    struct error error = {0};
    bool ok = schema_body(&schema, call->request->body, call->arena, asked, &error);
    /* What cannot be a domain's name is none that anybody has. */
    if (ok && !name_host(str_trim(call->parameter), call->arena, &asked->old_name))
        ok = error_set(&error, ERR_NOT_FOUND, "Resource not found");
    if (!ok) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = asked;
    return HTTP_DEFER;
}

struct looking {
    const struct call *call;
    struct str name;
    struct swap_plan plan;
};

static bool look_read(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    return swap_look(db, str_of(l->call->identity->workspace.id), l->name, l->call->arena, &l->plan, reterr);
}

static void answer(struct call *call, const struct swap_plan *plan) {
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, plan->new_name);
    BUF_LIT(out, ",\"swapped_domain\":");
    buf_add_json(out, plan->old_name);
    BUF_LIT(out, ",\"order_id\":");
    buf_add_json(out, plan->order_id);
    BUF_LIT(out, ",\"email_provider\":");
    buf_add_int(out, (int64_t)plan->provider);
    BUF_LIT(out, ",\"forwarding_domain\":");
    if (plan->forwarding.n)
        buf_add_json(out, plan->forwarding);
    else
        BUF_LIT(out, "null");
    BUF_LIT(out, "}");
    call_answer(call);
}

/* In the words and lists of an order that is refused. */
static void refuse_name(struct call *call, const struct check *check) {
    struct buf *out = &call->response->body;
    const char *fault = check_fault_name(check_error(check));
    call->response->status = 422;
    BUF_LIT(out, "{\"statusCode\":422,\"error\":\"Unprocessable Entity\",\"message\":");
    buf_add_json(out, arena_printf(call->arena, "The new domain cannot be ordered: %s. %s", fault, nothing_done));
    BUF_LIT(out, ",\"order_error\":");
    buf_add_json(out, str_of(fault));
    answer_lists(out, check, call->arena);
    BUF_LIT(out, "}");
}

/* The item that an order for the new domain would have. */
static struct order order_for(const struct call *call, const struct swap_plan *plan, struct str name) {
    struct order_item *item = ARENA_NEW(call->arena, struct order_item);
    *item = (struct order_item){
        .domain = name,
        .provider = (int64_t)plan->provider,
        .forwarding = plan->forwarding,
        .accounts = ARENA_ARRAY(call->arena, plan->n_accounts, struct account),
        .n_accounts = plan->n_accounts,
    };
    for (size_t i = 0; i < plan->n_accounts; i++) item->accounts[i] = plan->accounts[i].account;
    return (struct order){.items = item, .n_items = 1, .type = ORDER_DFY};
}

static bool is_name_of(struct str text, struct str name, struct arena *arena) {
    struct str host;
    return name_host(str_trim(text), arena, &host) && str_eq(host, name);
}

/* Another name than the one it was swapped for. */
static void refuse_second(struct call *call, const struct swap_plan *plan) {
    struct error error = {0};
    error_set(&error, ERR_CONFLICT, "%.*s was swapped for %.*s before.", STR_ARG(plan->old_name),
              STR_ARG(plan->new_name));
    call_refuse(call, &error);
}

/* False when the world changed meanwhile. */
static bool try_once(struct call *call, const struct asked *asked) {
    struct looking looking = {.call = call, .name = asked->old_name};
    struct swap_plan *plan = &looking.plan;
    struct error error = {0};
    if (!store_read(call->config->world->store, look_read, &looking, &error)) {
        call_fail(call, &error, nothing_done);
        return true;
    }
    if (plan->new_name.n) {
        if (is_name_of(asked->name, plan->new_name, call->arena))
            answer(call, plan);
        else
            refuse_second(call, plan);
        return true;
    }
    if (is_name_of(asked->name, plan->old_name, call->arena)) {
        error_set(&error, ERR_INVALID, "body/domain must differ from the domain that failed");
        call_refuse(call, &error);
        return true;
    }
    struct order order = order_for(call, plan, asked->name);
    struct check *check;
    bool is_silent;
    if (!order_judge(call, &order, &check, &is_silent, &error)) {
        if (is_silent)
            call_refuse(call, &error);
        else
            call_fail(call, &error, nothing_done);
        return true;
    }
    if (check_error(check)) {
        refuse_name(call, check);
        return true;
    }
    if (!swap_domain(call->config->world, plan, check->items[0].name, call_actor(call), call->arena, &error)) {
        if (error.code == ERR_CONFLICT) return false;
        call_fail(call, &error, nothing_done);
        return true;
    }
    log_event(LOG_INFO, "domain_swapped", LOG_STR("order", plan->order_id), LOG_STR("workspace", plan->workspace_id),
              LOG_STR("domain", plan->new_name), LOG_STR("swapped", plan->old_name));
    if (call->config->worker) worker_wake(call->config->worker);
    answer(call, plan);
    return true;
}

void swap_domain_run(struct call *call) {
    for (int round = 0; round < ROUNDS_MAX; round++)
        if (try_once(call, call->order)) return;
    struct error error = {0};
    error_set(&error, ERR_UNAVAILABLE, "Others are ordering the same domain right now. %s Try again.", nothing_done);
    call_refuse(call, &error);
}
