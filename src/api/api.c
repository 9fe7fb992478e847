#include "api/api.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/auth.h"
#include "api/call.h"
#include "api/hub.h"
#include "api/idempotent.h"
#include "api/limiter.h"
#include "api/operator.h"
#include "api/path.h"
#include "api/restrictions.h"
#include "api/sharer.h"
#include "api/utf8.h"
#include "base/log.h"
#include "driver/mailbox/mailbox.h"
#include "worker/node.h"
#include "worker/worker.h"

enum {
    RETRY_AFTER_SECONDS = 5,
    SECOND_MS = 1000,
    MINUTE_MS = 60 * SECOND_MS,
    HOUR_MS = 60 * MINUTE_MS,
    WAITING_MAX = 4,
    HOST_MAX = 255,  /* bytes of a host that comes back in an answer */
    AGENT_MAX = 512, /* bytes of a user agent that are kept */
    SCRATCH = 16 << 10,
};

#define ORDERS "/api/v2/dfy-email-account-orders"
#define FORWARDING "/api/v2/domains/{}/forwarding"
#define ORDER_SCOPE "dfy_email_account_orders"

#define KEYS "/api/v2/api-keys"
#define WORKSPACE "/api/v2/workspaces/current"
#define HOOKS "/api/v2/webhooks"
/* What the reference does not have. */
#define OWN "/api/dfyd/v1"
/* About the whole business: whoever may all, and has an operator's key. */
#define OPERATOR "/api/dfyd/v1/operator"
#define EVERYTHING "all"

const struct limits check_limits = {{{30, MINUTE_MS}, {900, HOUR_MS}}};
const struct limits forwarding_limits = {{{10, MINUTE_MS}, {60, HOUR_MS}}};
const struct limits sign_in_limits = {{{30, MINUTE_MS}, {300, HOUR_MS}}};
const struct limits dns_limits = {{{30, MINUTE_MS}, {300, HOUR_MS}}};
const struct limits mend_limits = {{{10, MINUTE_MS}, {120, HOUR_MS}}};

/* They are tried in this order, and what programs ask most stands first. */
static const struct route routes[] = {
    {"POST", ORDERS, ORDER_SCOPE, "create", BODY_NEEDED, place_order_begin, place_order_run},
    {"GET", "/healthz", NULL, NULL, BODY_NONE, health_live, NULL},
    {"GET", "/readyz", NULL, NULL, BODY_NONE, health_ready_begin, health_ready_run},
    {"GET", "/openapi.json", NULL, NULL, BODY_NONE, docs_description, NULL},
    {"GET", "/docs", NULL, NULL, BODY_NONE, docs_file, NULL},
    {"GET", "/docs/{}", NULL, NULL, BODY_NONE, docs_file, NULL},
    {"GET", "/", NULL, NULL, BODY_NONE, console_page, console_run},
    {"GET", "/console/{*}", NULL, NULL, BODY_NONE, console_file, console_run},
    {"POST", OWN "/session", NULL, NULL, BODY_NEEDED, sign_in_begin, sign_in_run, &sign_in_limits},
    {"GET", OWN "/session", NULL, NULL, BODY_NONE, session_defer, get_session_run},
    {"DELETE", OWN "/session", NULL, NULL, BODY_NONE, session_defer, sign_out_run},
    {"GET", ORDERS, ORDER_SCOPE, "read", BODY_NONE, list_orders, NULL},
    {"GET", ORDERS "/accounts", ORDER_SCOPE, "read", BODY_NONE, list_accounts, NULL},
    {"POST", ORDERS "/accounts/cancel", ORDER_SCOPE, "delete", BODY_NEEDED, cancel_accounts_begin, cancel_accounts_run},
    {"GET", FORWARDING, ORDER_SCOPE, "read", BODY_NONE, get_forwarding, NULL},
    {"PUT", FORWARDING, ORDER_SCOPE, "update", BODY_NEEDED, put_forwarding_begin, change_forwarding_run,
     &forwarding_limits},
    {"DELETE", FORWARDING, ORDER_SCOPE, "delete", BODY_NONE, delete_forwarding_begin, change_forwarding_run,
     &forwarding_limits},
    {"POST", ORDERS "/domains/check", ORDER_SCOPE, "create", BODY_NEEDED, check_domains_begin, check_domains_run,
     &check_limits},
    {"POST", ORDERS "/domains/similar", ORDER_SCOPE, "create", BODY_NEEDED, similar_domains_begin, similar_domains_run},
    {"POST", ORDERS "/domains/pre-warmed-up-list", ORDER_SCOPE, "read", BODY_OPTIONAL, pre_warmed_begin,
     pre_warmed_run},
    {"POST", KEYS, "api_keys", "create", BODY_NEEDED, create_key_begin, create_key_run},
    {"GET", KEYS, "api_keys", "read", BODY_NONE, list_keys, NULL},
    {"DELETE", KEYS "/{}", "api_keys", "delete", BODY_NONE, delete_key_begin, delete_key_run},
    {"GET", WORKSPACE, "workspaces", "read", BODY_NONE, get_workspace, NULL},
    {"PATCH", WORKSPACE, "workspaces", "update", BODY_NEEDED, change_workspace_begin, change_workspace_run},
    {"GET", HOOKS, "webhooks", "read", BODY_NONE, list_webhooks, NULL},
    {"POST", HOOKS, "webhooks", "create", BODY_NEEDED, create_webhook_begin, create_webhook_run},
    {"GET", HOOKS "/event-types", "webhooks", "read", BODY_NONE, list_webhook_types, NULL},
    {"GET", HOOKS "/{}", "webhooks", "read", BODY_NONE, get_webhook, NULL},
    {"PATCH", HOOKS "/{}", "webhooks", "update", BODY_NEEDED, change_webhook_begin, change_webhook_run},
    {"DELETE", HOOKS "/{}", "webhooks", "delete", BODY_NONE, webhook_defer, delete_webhook_run},
    {"POST", HOOKS "/{}/test", "webhooks", "update", BODY_NONE, webhook_defer, test_webhook_run},
    {"POST", HOOKS "/{}/resume", "webhooks", "update", BODY_NONE, webhook_defer, resume_webhook_run},
    {"GET", OWN "/orders", ORDER_SCOPE, "read", BODY_NONE, search_orders_begin, listing_run},
    {"GET", OWN "/domains", ORDER_SCOPE, "read", BODY_NONE, search_domains_begin, listing_run},
    {"GET", OWN "/domains/{}", ORDER_SCOPE, "read", BODY_NONE, get_domain, NULL},
    {"GET", OWN "/mailboxes", ORDER_SCOPE, "read", BODY_NONE, search_mailboxes_begin, listing_run},
    {"POST", OWN "/mailboxes/{}/password", ORDER_SCOPE, "read", BODY_NONE, show_password_begin, show_password_run},
    {"GET", OWN "/orders/{}", ORDER_SCOPE, "read", BODY_NONE, get_order, NULL},
    {"GET", OWN "/summary", ORDER_SCOPE, "read", BODY_NONE, summary_defer, summary_run},
    {"GET", OWN "/prices", ORDER_SCOPE, "read", BODY_NONE, get_prices, NULL},
    {"GET", OWN "/payments", ORDER_SCOPE, "read", BODY_NONE, list_payments, NULL},
    {"GET", OWN "/renewals", ORDER_SCOPE, "read", BODY_NONE, list_renewals, NULL},
    {"GET", OWN "/invoices", ORDER_SCOPE, "read", BODY_NONE, search_invoices_begin, listing_run},
    {"GET", OWN "/invoices/{}", ORDER_SCOPE, "read", BODY_NONE, get_invoice, NULL},
    {"GET", OWN "/invoices/{}/page", ORDER_SCOPE, "read", BODY_NONE, get_invoice_page, NULL},
    {"GET", OWN "/domains/{}/dns", ORDER_SCOPE, "read", BODY_NONE, domain_dns_begin, domain_dns_run, &dns_limits},
    {"GET", OWN "/events", ORDER_SCOPE, "read", BODY_NONE, follow_events, NULL},
    {"POST", OWN "/domains/{}/retry", ORDER_SCOPE, "update", BODY_NONE, mend_domain_begin, retry_domain_run,
     &mend_limits},
    {"POST", OWN "/domains/{}/repair", ORDER_SCOPE, "update", BODY_NONE, mend_domain_begin, repair_domain_run,
     &mend_limits},
    {"POST", OWN "/domains/{}/check", ORDER_SCOPE, "update", BODY_NONE, mend_domain_begin, check_domain_run,
     &mend_limits},
    {"POST", "/api/dfyd/v1/domains/{}/swap", ORDER_SCOPE, "update", BODY_NEEDED, swap_domain_begin, swap_domain_run},
    {"POST", "/api/dfyd/v1/payment-events/{}", NULL, NULL, BODY_NEEDED, checkout_defer, payment_event_run},
    {"GET", "/checkout/{}", NULL, NULL, BODY_NONE, checkout_defer, checkout_return_run},
    {"GET", "/sandbox/checkout/{}", NULL, NULL, BODY_NONE, checkout_defer, sandbox_page_run},
    {"POST", "/sandbox/checkout/{}", NULL, NULL, BODY_NONE, checkout_defer, sandbox_pay_run},
    {"GET", "/api/v2/audit-logs", "audit_logs", "read", BODY_NONE, list_audit_begin, list_audit_run},
    {"GET", OPERATOR "/workspaces", EVERYTHING, "all", BODY_NONE, operator_workspaces, NULL},
    {"GET", OPERATOR "/prices", EVERYTHING, "all", BODY_NONE, operator_prices, NULL},
    {"POST", OPERATOR "/prices", EVERYTHING, "all", BODY_NEEDED, operator_set_price_begin, operator_set_price_run},
    {"POST", OPERATOR "/prices/{}/end", EVERYTHING, "all", BODY_OPTIONAL, operator_end_price_begin,
     operator_end_price_run},
    {"GET", OPERATOR "/promotions", EVERYTHING, "all", BODY_NONE, operator_promotions, NULL},
    {"POST", OPERATOR "/promotions", EVERYTHING, "all", BODY_NEEDED, operator_add_promotion_begin,
     operator_add_promotion_run},
    {"POST", OPERATOR "/promotions/{}/end", EVERYTHING, "all", BODY_OPTIONAL, operator_end_promotion_begin,
     operator_end_promotion_run},
    {"GET", OPERATOR "/inventory", EVERYTHING, "all", BODY_NONE, operator_inventory_begin, operator_inventory_run},
    {"POST", OPERATOR "/inventory", EVERYTHING, "all", BODY_OR_CSV, operator_import_begin, operator_import_run},
    {"DELETE", OPERATOR "/inventory/{}", EVERYTHING, "all", BODY_NONE, operator_remove_stock_begin,
     operator_remove_stock_run},
    {"GET", OPERATOR "/audit-logs", EVERYTHING, "all", BODY_NONE, operator_audit_begin, operator_audit_run},
    {"GET", OPERATOR "/work", EVERYTHING, "all", BODY_NONE, operator_work_begin, operator_work_run},
    {"POST", OPERATOR "/work/retry", EVERYTHING, "all", BODY_NEEDED, operator_retry_begin, operator_retry_run},
    {"GET", OPERATOR "/queue", EVERYTHING, "all", BODY_NONE, operator_queue_begin, operator_queue_run},
    {"GET", OPERATOR "/health", EVERYTHING, "all", BODY_NONE, operator_health_begin, operator_health_run},
};
_Static_assert(ARRAY_LEN(routes) <= LIMITER_ROUTES, "the limiter numbers them");

struct api {
    struct api_config config;
    struct auth *auth;
    struct idempotent *idempotent;
    struct restrictions *restrictions;
    struct hub *hub;
    struct limiter *limiter;        /* NULL, as the next: nothing is limited */
    struct sharer *sharer;          /* in its place, with a shared database */
    struct limits workspace_limits; /* of all its keys and calls together */
    atomic_bool draining;
    atomic_int waiting; /* runs that wait for a client's server, or for the DNS */
};

/* Those that no mail host here serves, as bits. */
static unsigned providers_not_served(const struct world *world) {
    unsigned all = 0;
    for (int provider = PROVIDER_NONE + 1; provider < PROVIDER_END; provider++) all |= 1U << provider;
    return all & ~world->drivers->mailbox->ops->providers;
}

static unsigned count_nodes(void *node) {
    return (unsigned)node_count(node);
}

static bool is_https(const char *url) {
    return url && strncasecmp(url, "https://", strlen("https://")) == 0;
}

struct api *api_create(const struct api_config *config) {
    struct api *api = calloc(1, sizeof *api);
    if (!api) abort();
    api->config = *config;
    api->config.providers_off |= providers_not_served(config->world);
    api->auth = auth_create(config->world->store, config->world->clock, is_https(config->public_url));
    api->idempotent = idempotent_create(config->world->store);
    api->restrictions = restrictions_create(config->world->store);
    api->hub = hub_create(&(struct hub_config){
        .world = config->world, .node = config->node, .most_of_workspace = (config->streams + 1) / 2});
    bool is_shared = store_is_shared(config->world->store);
    if (config->rate_limit && is_shared) api->sharer = sharer_create(config->world->store, count_nodes, config->node);
    if (config->rate_limit && !is_shared) api->limiter = limiter_create();
    api->workspace_limits = (struct limits){
        {{(uint32_t)config->rate_per_second, SECOND_MS}, {(uint32_t)config->rate_per_minute, MINUTE_MS}}};
    atomic_init(&api->draining, false);
    atomic_init(&api->waiting, 0);
    return api;
}

void api_destroy(struct api *api) {
    if (!api) return;
    hub_destroy(api->hub);
    limiter_destroy(api->limiter);
    sharer_destroy(api->sharer);
    restrictions_destroy(api->restrictions);
    idempotent_destroy(api->idempotent);
    auth_destroy(api->auth);
    free(api);
}

void api_tidy(struct api *api) {
    idempotent_tidy(api->idempotent);
}

void api_drain(struct api *api) {
    atomic_store(&api->draining, true);
}

bool call_is_draining(const struct call *call) {
    return atomic_load(&call->api->draining);
}

bool call_rules(const struct call *call, struct rules *ret, struct error *reterr) {
    struct rules rules = {
        .providers_off = call->config->providers_off,
        .workspace_id = str_of(call->identity->workspace.id),
    };
    if (!restrictions_now(call->restrictions, &rules.restricted, reterr)) return false;
    *ret = rules;
    return true;
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
    if (error->code == ERR_UNAVAILABLE || error->code == ERR_UNSURE) {
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
        if (!node_is_away(call->config->node, error))
            log_event(LOG_WARN, "request_failed", LOG_TEXT("reason", error->message), LOG_TEXT("next", "answered 503"));
        error_set(&shown, ERR_UNAVAILABLE, "The database cannot be used now.%s%s Try again.", space, reassure);
    } else if (error->code == ERR_UNSURE) {
        (void)node_is_away(call->config->node, error);
        log_event(LOG_WARN, "request_unsure", LOG_TEXT("reason", error->message), LOG_TEXT("next", "answered 503"));
        error_set(&shown, ERR_UNSURE,
                  "The database went away before it said whether this was done. Look at what is there before you"
                  " repeat it.");
    }
    envelope(call->response, &shown);
}

void call_answer(struct call *call) {
    call->response->status = 200;
}

void call_answer_in_parts(struct call *call, call_more_fn *more) {
    call_answer(call);
    call->more = more;
    call->response->in_parts = true;
}

/* A host, perhaps with a port (RFC 9110 section 7.2); it comes back in an answer to who sent it. */
static bool is_host(struct str host) {
    static const struct str marks = {".-:[]", 5};
    for (size_t i = 0; i < host.n; i++)
        if (!isalnum((unsigned char)host.p[i]) && !memchr(marks.p, host.p[i], marks.n)) return false;
    return host.n > 0 && host.n <= HOST_MAX;
}

struct str call_base_url(const struct call *call) {
    if (call->config->public_url) return str_of(call->config->public_url);
    struct str host = http_header(call->request, "Host", NULL);
    return is_host(host) ? arena_printf(call->arena, "http://%.*s", STR_ARG(host)) : STR("");
}

/* What HTTP let through, as text that can be stored and shown. */
static struct str clean_text(struct str text, struct arena *arena) {
    if (text.n > AGENT_MAX) text.n = AGENT_MAX;
    if (utf8_valid_bytes(text) == text.n) return text;
    char *to = arena_alloc(arena, text.n);
    memcpy(to, text.p, text.n);
    for (size_t i; (i = utf8_valid_bytes((struct str){to, text.n})) < text.n;) to[i] = '?';
    return (struct str){to, text.n};
}

bool call_may_wait(const struct call *call) {
    if (atomic_fetch_add(&call->api->waiting, 1) < WAITING_MAX) return true;
    atomic_fetch_sub(&call->api->waiting, 1);
    return false;
}

void call_has_waited(const struct call *call) {
    atomic_fetch_sub(&call->api->waiting, 1);
}

struct actor call_actor(const struct call *call) {
    return (struct actor){
        .key_id = call->identity ? str_of(call->identity->key.id) : STR(""),
        .address = call->request->peer,
        .user_agent = clean_text(http_header(call->request, "User-Agent", NULL), call->arena),
    };
}

struct audit_record call_record(const struct call *call, enum activity activity, struct str workspace_id,
                                int64_t now_ms) {
    char *id = arena_alloc(call->arena, UUID_TEXT);
    ids_uuid(call->config->world->ids, id);
    return (struct audit_record){
        .id = str_of(id),
        .workspace_id = workspace_id,
        .activity = activity,
        .actor = call_actor(call),
        .affected = 1,
        .detail = STR("{}"),
        .now_ms = now_ms,
    };
}

/* A GET route answers HEAD too; http leaves the body out. */
static bool is_method(struct str method, const char *wanted) {
    return str_is(method, wanted) || (str_is(method, "HEAD") && strcmp(wanted, "GET") == 0);
}

static const struct route *find_route(const struct http_request *request, struct str *ret_parameter) {
    /* All pages of the console are one. */
    struct str path = console_has_page(request->path) ? STR("/") : request->path;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (is_method(request->method, routes[i].method) && path_matches(path, routes[i].path, ret_parameter))
            return &routes[i];
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

static bool is_type(struct str content_type, const char *wanted) {
    struct str parameters, type = str_trim(str_cut(content_type, ';', &parameters));
    return type.n == strlen(wanted) && strncasecmp(type.p, wanted, type.n) == 0;
}

static bool is_empty(const struct http_request *request) {
    return !request->has_body || str_is(http_header(request, "Content-Length", NULL), "0");
}

static bool check_body(const struct http_request *request, enum body_rule rule, struct error *reterr) {
    if (rule == BODY_OPTIONAL && request->body.n == 0 && !request->body_too_large) return true;
    bool has_type;
    struct str type = http_header(request, "Content-Type", &has_type);
    if (!has_type && is_empty(request)) return error_set(reterr, ERR_INVALID, "body must be object");
    bool may_be_csv = rule == BODY_OR_CSV, is_csv = has_type && may_be_csv && is_type(type, "text/csv");
    if (!has_type || (!is_csv && !is_type(type, "application/json")))
        return error_set(reterr, ERR_MEDIA_TYPE, "Unsupported Media Type: send application/json%s",
                         may_be_csv ? " or text/csv" : "");
    if (request->body_too_large) return error_set(reterr, ERR_TOO_LARGE, "Request body is too large");
    if (is_csv) return true;
    if (request->body.n == 0)
        return error_set(reterr, ERR_INVALID, "Body cannot be empty when content-type is set to 'application/json'");
    return true;
}

static bool check_plan(const struct identity *identity, struct error *reterr) {
    return identity->workspace.plan_active ||
           error_set(reterr, ERR_NOT_PAID, "Workspace does not have an active paid plan");
}

bool call_identify(struct call *call, struct error *reterr) {
    const struct route *route = call->route;
    if (!auth_find(call->api->auth, call->request, &call->identity, reterr)) return false;
    call->by_cookie = call->identity->session_expires_ms > 0;
    return auth_allows(&call->identity->key, route->resource, route->action, reterr) &&
           check_plan(call->identity, reterr);
}

bool call_identify_anew(struct call *call, struct error *reterr) {
    auth_forget(call->api->auth);
    return call_identify(call, reterr);
}

void call_header(struct call *call, const char *name, int64_t number) {
    char text[24];
    size_t at = sizeof text;
    text[--at] = '\0';
    do text[--at] = (char)('0' + number % 10);
    while (number /= 10);
    http_response_header(call->response, name, text + at);
}

static struct limit_verdict ask_limits(const struct call *call) {
    const struct api *api = call->api;
    const struct route *route = call->route;
    struct str workspace = str_of(call->identity->workspace.id);
    size_t number = (size_t)(route - routes);
    if (api->sharer)
        return sharer_ask(api->sharer, workspace, &api->workspace_limits,
                          &(struct sharer_route){number, route->method, route->path, route->limits});
    if (api->limiter)
        return limiter_ask(api->limiter, workspace, &api->workspace_limits, number, route->limits, call->started_ms);
    return (struct limit_verdict){.passes = true};
}

/* Tells what is left, by the header names of draft-ietf-httpapi-ratelimit-headers up to its version 06. */
static bool check_rate(struct call *call, struct error *reterr) {
    struct limit_verdict verdict = ask_limits(call);
    if (!verdict.most) return true;
    int64_t seconds = (verdict.reset_ms + SECOND_MS - 1) / SECOND_MS;
    call_header(call, "RateLimit-Limit", verdict.most);
    call_header(call, "RateLimit-Remaining", verdict.left);
    call_header(call, "RateLimit-Reset", seconds);
    if (verdict.passes) return true;
    call_header(call, "Retry-After", seconds);
    return error_set(reterr, ERR_RATE_LIMITED, "Rate limit exceeded");
}

bool call_identify_any(struct call *call, const struct str *secret, struct error *reterr) {
    struct auth *auth = call->api->auth;
    bool found = secret ? auth_find_key(auth, *secret, &call->identity, reterr)
                        : auth_find(auth, call->request, &call->identity, reterr);
    if (!found) return false;
    call->by_cookie = secret || call->identity->session_expires_ms > 0;
    return check_plan(call->identity, reterr) && check_rate(call, reterr);
}

bool call_is_https(const struct call *call) {
    return is_https(call->config->public_url);
}

/*
 * With a database behind a network whatever may ask it happens on an order thread, from the beginning: every call whose
 * caller has to be known. The begin of the others never asks it.
 */
static bool must_wait_elsewhere(const struct call *call) {
    return call->route->resource && !call->may_wait && store_is_shared(call->config->world->store);
}

static enum http_verdict dispatch(struct call *call) {
    struct error error;
    struct str segment = STR("");
    call->route = find_route(call->request, &segment);
    if (!call->route) {
        (void)refuse_route(call->request, &error);
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (segment.n) call->parameter = path_decode(segment, call->arena);
    if (must_wait_elsewhere(call)) return HTTP_DEFER;
    if (call->route->resource && !call_identify(call, &error)) {
        call_fail(call, &error, "");
        return HTTP_ANSWER;
    }
    if (call->route->resource && !check_rate(call, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (call->route->body != BODY_NONE && !check_body(call->request, call->route->body, &error)) {
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

static bool has_header(const struct http_response *response, const char *name) {
    for (size_t i = 0; i < response->n_headers; i++)
        if (strcmp(response->headers[i].name, name) == 0) return true;
    return false;
}

static void finish(struct call *call) {
    struct http_response *response = call->response;
    /* A browser keeps no copy of what only its cookie opens. */
    if (call->by_cookie && response->status < 300 && !has_header(response, "Cache-Control"))
        http_response_header(response, "Cache-Control", "no-store");
    if (!buf_ok(&response->body)) {
        struct error error = {0};
        error_set(&error, ERR_UNPROCESSABLE, "The answer is too large. Ask for less at once.");
        envelope(response, &error);
    }
    bool is_routine = call->changes_nothing && response->status < 300;
    log_event(is_routine ? LOG_DEBUG : LOG_INFO, "request", LOG_STR("method", call->request->method),
              LOG_STR("path", path_to_log(call)), LOG_INT("status", response->status),
              LOG_INT("ms", clock_steady_ms() - call->started_ms));
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
        .restrictions = api->restrictions,
        .hub = api->hub,
        .request = request,
        .response = response,
        .arena = arena,
        .started_ms = clock_steady_ms(),
    };
    *ret_state = call;
    log_set_request(str_of(request->id));
    enum http_verdict verdict = dispatch(call);
    if (verdict == HTTP_DEFER) {
        log_set_request(STR(""));
    } else {
        finish(call);
    }
    return verdict;
}

/* The part of a call that its begin left to an order thread. */
static void run_route(struct call *call) {
    worker_hold_clock(call->config->worker);
    /* What begin found may belong to another thread, and a key may have been revoked while the request waited. */
    struct error error = {0};
    if (call->route->resource && !call_identify(call, &error)) {
        call_fail(call, &error, "");
    } else {
        /* What changes something is given the time to end well. */
        if (!call->changes_nothing) store_wait_until(INT64_MAX);
        call->route->run(call);
    }
    worker_let_clock(call->config->worker);
}

/* A call that waited for its turn for long could not be answered in time any more, and others wait behind it. */
static bool is_too_late(const struct call *call) {
    return clock_steady_ms() - call->started_ms > call->config->wait_ms / 4 * 3;
}

/* With a database behind a network a call has to be answered in time even when that is silent. */
static void run_in_time(struct call *call) {
    struct error error = {0};
    if (is_too_late(call)) {
        error_set(&error, ERR_UNAVAILABLE, "There is more to do than can be done now. Nothing was done. Try again.");
        call_refuse(call, &error);
        return;
    }
    bool is_begun = !must_wait_elsewhere(call);
    store_wait_until(call->started_ms + call->config->wait_ms);
    call->may_wait = true;
    if (is_begun || dispatch(call) == HTTP_DEFER) run_route(call);
    store_wait_until(INT64_MAX);
}

static void run(void *ctx, const struct http_request *request, struct arena *arena, struct http_response *response,
                void *state) {
    (void)ctx;
    struct call *call = state;
    call->request = request;
    call->arena = arena;
    call->response = response;
    log_set_request(str_of(request->id));
    if (store_is_shared(call->config->world->store))
        run_in_time(call);
    else
        run_route(call);
    finish(call);
}

/* The next part of a long answer. The key may have been revoked since the last one. */
static enum http_part more(void *ctx, const struct http_request *request, struct arena *arena,
                           struct http_response *response, void *state) {
    (void)ctx, (void)request, (void)arena, (void)response;
    struct call *call = state;
    CLEANUP(arena_cleanup) struct arena *scratch = arena_create(SCRATCH);
    struct error error = {0};
    bool is_last = false;
    log_set_request(str_of(call->request->id));
    store_wait_until(clock_steady_ms() + call->config->wait_ms);
    worker_hold_clock(call->config->worker);
    bool ok = call_identify(call, &error) && call->more(call, scratch, &is_last, &error);
    worker_let_clock(call->config->worker);
    store_wait_until(INT64_MAX);
    if (!ok)
        log_event(LOG_WARN, "answer_cut", LOG_STR("path", call->request->path), LOG_TEXT("reason", error.message),
                  LOG_TEXT("next", "the connection was closed amid the answer"));
    log_set_request(STR(""));
    if (!ok) return HTTP_PART_BROKEN;
    return is_last ? HTTP_PART_LAST : HTTP_PART_MORE;
}

static void refuse(void *ctx, const struct error *error, struct http_response *response) {
    (void)ctx;
    envelope(response, error);
}

struct http_app api_app(struct api *api) {
    return (struct http_app){.ctx = api, .begin = begin, .run = run, .more = more, .refuse = refuse};
}
