#include "api/api.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/auth.h"
#include "api/call.h"
#include "api/idempotent.h"
#include "api/utf8.h"
#include "base/log.h"

enum { RETRY_AFTER_SECONDS = 5 };

#define ORDERS "/api/v2/dfy-email-account-orders"
#define ORDER_SCOPE "dfy_email_account_orders"

static const struct route routes[] = {
    {"GET", "/healthz", NULL, NULL, false, health_live, NULL},
    {"GET", "/readyz", NULL, NULL, false, health_ready_begin, health_ready_run},
    {"POST", ORDERS, ORDER_SCOPE, "create", true, place_order_begin, place_order_run},
    {"GET", ORDERS, ORDER_SCOPE, "read", false, list_orders, NULL},
    {"GET", ORDERS "/accounts", ORDER_SCOPE, "read", false, list_accounts, NULL},
};

struct api {
    struct api_config config;
    struct auth *auth;
    struct idempotent *idempotent;
    atomic_bool draining;
};

struct api *api_create(const struct api_config *config) {
    struct api *api = calloc(1, sizeof *api);
    if (!api) abort();
    api->config = *config;
    api->auth = auth_create(config->world->store);
    api->idempotent = idempotent_create(config->world->store);
    atomic_init(&api->draining, false);
    return api;
}

void api_destroy(struct api *api) {
    if (!api) return;
    idempotent_destroy(api->idempotent);
    auth_destroy(api->auth);
    free(api);
}

void api_drain(struct api *api) {
    atomic_store(&api->draining, true);
}

bool call_is_draining(const struct call *call) {
    return atomic_load(&call->api->draining);
}

static void envelope(struct http_response *response, const struct error *error) {
    struct str message = str_of(error->message);
    message.n = utf8_valid_bytes(message); /* a long one was cut anywhere */
    response->status = error_status(error->code);
    buf_clear(&response->body);
    BUF_LIT(&response->body, "{\"statusCode\":");
    buf_add_int(&response->body, response->status);
    BUF_LIT(&response->body, ",\"error\":");
    buf_add_json(&response->body, str_of(error_phrase(error->code)));
    BUF_LIT(&response->body, ",\"message\":");
    buf_add_json(&response->body, message);
    BUF_LIT(&response->body, "}");
    if (error->code == ERR_UNAVAILABLE) {
        char seconds[12];
        snprintf(seconds, sizeof seconds, "%d", RETRY_AFTER_SECONDS);
        http_response_header(response, "Retry-After", seconds);
    }
}

void call_refuse(struct call *call, const struct error *error) {
    envelope(call->response, error);
}

void call_fail(struct call *call, const struct error *error, const char *reassure) {
    struct error shown = *error;
    const char *space = *reassure ? " " : "";
    if (error->code == ERR_INTERNAL) {
        log_event(LOG_ERROR, "request_failed", LOG_TEXT("reason", error->message), LOG_TEXT("next", "answered 500"));
        error_set(&shown, ERR_INTERNAL, "Something went wrong here and was logged.%s%s", space, reassure);
    } else if (error->code == ERR_UNAVAILABLE) {
        log_event(LOG_WARN, "request_failed", LOG_TEXT("reason", error->message), LOG_TEXT("next", "answered 503"));
        error_set(&shown, ERR_UNAVAILABLE, "The database cannot be used now.%s%s Try again.", space, reassure);
    }
    envelope(call->response, &shown);
}

void call_answer(struct call *call) {
    call->response->status = 200;
}

/* A GET route answers HEAD too; http leaves the body out. */
static bool is_method(struct str method, const char *wanted) {
    return str_is(method, wanted) || (str_is(method, "HEAD") && strcmp(wanted, "GET") == 0);
}

static const struct route *find_route(const struct http_request *request) {
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (str_is(request->path, routes[i].path) && is_method(request->method, routes[i].method)) return &routes[i];
    return NULL;
}

/* TEXT with every byte that is not printable ASCII as %XX, so that any path can stand in a message. */
static void add_printable(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c > ' ' && c < 0x7f)
            buf_add_byte(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* The reference's framework has no 405: a known path with another method is not found either. */
static bool refuse_route(const struct http_request *request, struct error *reterr) {
    struct buf name;
    buf_init(&name, 65536);
    add_printable(&name, request->method);
    buf_add_byte(&name, ':');
    add_printable(&name, request->path);
    if (request->query.n) {
        buf_add_byte(&name, '?');
        add_printable(&name, request->query);
    }
    struct str text = buf_str(&name);
    const size_t room = sizeof reterr->message - 32;
    bool fits = buf_ok(&name) && text.n <= room;
    if (text.n > room) text.n = room;
    error_set(reterr, ERR_NOT_FOUND, "Route %.*s%s not found", STR_ARG(text), fits ? "" : "...");
    buf_finish(&name);
    return false;
}

static bool is_json_type(struct str content_type) {
    static const char wanted[] = "application/json";
    struct str parameters, type = str_trim(str_cut(content_type, ';', &parameters));
    return type.n == sizeof wanted - 1 && strncasecmp(type.p, wanted, type.n) == 0;
}

static bool check_body(const struct http_request *request, struct error *reterr) {
    bool has_type;
    struct str type = http_header(request, "Content-Type", &has_type);
    if (!has_type && !request->has_body) return error_set(reterr, ERR_INVALID, "body must be object");
    if (!has_type || !is_json_type(type))
        return error_set(reterr, ERR_MEDIA_TYPE, "Unsupported Media Type: send application/json");
    if (request->body_too_large) return error_set(reterr, ERR_TOO_LARGE, "Request body is too large");
    if (request->body.n == 0)
        return error_set(reterr, ERR_INVALID, "Body cannot be empty when content-type is set to 'application/json'");
    return true;
}

static bool identify(struct call *call, struct error *reterr) {
    const struct route *route = call->route;
    if (!auth_find(call->api->auth, call->request, &call->identity, reterr)) return false;
    if (!auth_allows(&call->identity->key, route->resource, route->action, reterr)) return false;
    if (!call->identity->workspace.plan_active)
        return error_set(reterr, ERR_NOT_PAID, "Workspace does not have an active paid plan");
    return true;
}

static enum http_verdict dispatch(struct call *call) {
    struct error error;
    call->route = find_route(call->request);
    if (!call->route) {
        (void)refuse_route(call->request, &error);
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (call->route->resource && !identify(call, &error)) {
        call_fail(call, &error, "");
        return HTTP_ANSWER;
    }
    /* The rate limit's place: after who it is, before what it says. */
    if (call->route->needs_body && !check_body(call->request, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->changes_nothing = strcmp(call->route->method, "GET") == 0;
    return call->route->begin(call);
}

/* A path without a route may hold any byte, also those that steer the terminal of who reads the log. */
static struct str path_to_log(const struct call *call) {
    if (call->route) return call->request->path;
    struct buf text;
    buf_init(&text, 65536);
    add_printable(&text, call->request->path);
    struct str path = arena_str(call->arena, buf_str(&text));
    buf_finish(&text);
    return path;
}

static void finish(struct call *call) {
    struct http_response *response = call->response;
    if (!buf_ok(&response->body)) {
        struct error error = {0};
        error_set(&error, ERR_UNPROCESSABLE, "The answer is too large. Ask for less at once.");
        envelope(response, &error);
    }
    bool is_routine = call->changes_nothing && response->status < 300;
    log_event(is_routine ? LOG_DEBUG : LOG_INFO, "request", LOG_STR("method", call->request->method),
              LOG_STR("path", path_to_log(call)), LOG_INT("status", response->status),
              LOG_INT("ms", clock_now(call->config->world->clock) - call->started_ms));
    log_set_request(STR(""));
}

static enum http_verdict begin(void *ctx, const struct http_request *request, struct arena *arena,
                               struct http_response *response, void **ret_state) {
    struct api *api = ctx;
    struct call *call = ARENA_NEW(arena, struct call);
    *call = (struct call){
        .api = api,
        .config = &api->config,
        .idempotent = api->idempotent,
        .request = request,
        .response = response,
        .arena = arena,
        .started_ms = clock_now(api->config.world->clock),
    };
    log_set_request(str_of(request->id));
    enum http_verdict verdict = dispatch(call);
    if (verdict == HTTP_DEFER) {
        *ret_state = call;
        log_set_request(STR(""));
    } else {
        finish(call);
    }
    return verdict;
}

static void run(void *ctx, const struct http_request *request, struct arena *arena, struct http_response *response,
                void *state) {
    (void)ctx;
    struct call *call = state;
    call->request = request;
    call->arena = arena;
    call->response = response;
    log_set_request(str_of(request->id));
    /* What begin found belongs to its thread, and a key may have been revoked while the request waited. */
    struct error error = {0};
    if (call->route->resource && !identify(call, &error))
        call_fail(call, &error, "");
    else
        call->route->run(call);
    finish(call);
}

static void refuse(void *ctx, const struct error *error, struct http_response *response) {
    (void)ctx;
    envelope(response, error);
}

struct http_app api_app(struct api *api) {
    return (struct http_app){.ctx = api, .begin = begin, .run = run, .refuse = refuse};
}
