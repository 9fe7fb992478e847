#include <stddef.h>
#include <string.h>

#include "api/call.h"
#include "api/schema.h"
#include "core/name.h"
#include "core/target.h"
#include "step/forward.h"
#include "worker/worker.h"

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Something without white space inside, a dot, and letters. White space beyond ASCII is not known here; such a name is
 * refused a little later, for what it is. */
static bool looks_like_host(struct str text) {
    struct str trimmed = str_trim(text);
    size_t letters = 0;
    while (letters < trimmed.n) {
        char c = (char)(trimmed.p[trimmed.n - 1 - letters] | 0x20);
        if (c < 'a' || c > 'z') break;
        letters++;
    }
    if (letters < 2 || trimmed.n < letters + 2 || trimmed.p[trimmed.n - 1 - letters] != '.') return false;
    for (size_t i = 0; i < trimmed.n; i++)
        if (is_space(trimmed.p[i])) return false;
    return true;
}

#define HOST_PATTERN "^\\s*\\S+\\.[a-zA-Z]{2,}\\s*$"
static const struct schema_pattern host_pattern = {HOST_PATTERN, looks_like_host};

struct put_body {
    struct str target;
    int64_t mode; /* enum forwarding_mode */
};

static const struct schema_field fields[] = {
    {.name = "forwarding_domain",
     .type = SCHEMA_STRING,
     .required = true,
     .offset = offsetof(struct put_body, target),
     .min_length = 1,
     .pattern = &host_pattern},
    {.name = "forwarding_mode",
     .type = SCHEMA_STRING,
     .offset = offsetof(struct put_body, mode),
     .words = forwarding_mode_names,
     .has_default = true,
     .fallback = FORWARDING_REDIRECT},
};

static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct put_body)};

static bool check_parameter(const struct call *call, struct error *reterr) {
    if (looks_like_host(call->parameter) && !memchr(call->parameter.p, '\0', call->parameter.n)) return true;
    return error_set(reterr, ERR_INVALID, "params/domain must match pattern \"%s\"", HOST_PATTERN);
}

/* What cannot be a domain's name is none that anybody has. */
bool call_domain(const struct call *call, struct str *ret, struct error *reterr) {
    if (!check_parameter(call, reterr)) return false;
    if (name_host(str_trim(call->parameter), call->arena, ret)) return true;
    return error_set(reterr, ERR_NOT_FOUND, "Resource not found");
}

static void answer(struct call *call, const struct forwarding *forwarding) {
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, forwarding->domain);
    if (forwarding->target.n) {
        BUF_LIT(out, ",\"forwarding_domain\":");
        buf_add_json(out, forwarding->target);
        BUF_LIT(out, ",\"forwarding_mode\":");
        buf_add_json(out, str_of(forwarding_mode_names[forwarding->mode]));
    } else {
        BUF_LIT(out, ",\"forwarding_domain\":null,\"forwarding_mode\":null");
    }
    BUF_LIT(out, "}");
    call_answer(call);
}

static enum http_verdict refuse(struct call *call, const struct error *error) {
    call_refuse(call, error);
    return HTTP_ANSWER;
}

/* ---- GET ---- */

struct reading {
    const struct call *call;
    struct str name;
    struct forwarding found;
};

static bool read_forwarding(struct db *db, void *arg, struct error *reterr) {
    struct reading *r = arg;
    return forwarding_get(db, str_of(r->call->identity->workspace.id), r->name, r->call->arena, &r->found, reterr);
}

enum http_verdict get_forwarding(struct call *call) {
    struct reading reading = {.call = call};
    struct error error = {0};
    if (!call_domain(call, &reading.name, &error)) return refuse(call, &error);
    if (store_read(call->config->world->store, read_forwarding, &reading, &error))
        answer(call, &reading.found);
    else
        call_fail(call, &error, "");
    return HTTP_ANSWER;
}

/* ---- PUT and DELETE ---- */

/* Form before existence: path, body, and then whether there can be such a domain. */
static bool read_target(const struct call *call, struct forwarding *ret, struct error *reterr) {
    struct put_body body;
    if (!check_parameter(call, reterr) || !schema_body(&schema, call->request->body, call->arena, &body, reterr) ||
        !call_domain(call, &ret->domain, reterr))
        return false;
    ret->mode = (enum forwarding_mode)body.mode;
    if (!name_host(str_trim(body.target), call->arena, &ret->target))
        return error_set(reterr, ERR_INVALID, "body/forwarding_domain must be a host name, such as www.acme.com");
    if (str_eq(ret->target, ret->domain))
        return error_set(reterr, ERR_INVALID, "body/forwarding_domain must differ from the domain");
    if (!call->config->world->forwarding_private_targets && target_host_is_private(ret->target))
        return error_set(reterr, ERR_UNPROCESSABLE,
                         "%.*s is a name inside the operator's network; no domain can be forwarded to it",
                         STR_ARG(ret->target));
    return true;
}

enum http_verdict put_forwarding_begin(struct call *call) {
    struct forwarding *to = ARENA_NEW(call->arena, struct forwarding);
    struct error error = {0};
    if (!read_target(call, to, &error)) return refuse(call, &error);
    call->order = to;
    return HTTP_DEFER;
}

enum http_verdict delete_forwarding_begin(struct call *call) {
    struct forwarding *to = ARENA_NEW(call->arena, struct forwarding);
    struct error error = {0};
    if (!call_domain(call, &to->domain, &error)) return refuse(call, &error);
    to->target = STR("");
    call->order = to;
    return HTTP_DEFER;
}

void change_forwarding_run(struct call *call) {
    const struct forwarding *to = call->order;
    struct error error = {0};
    if (forward_change(call->config->world, str_of(call->identity->workspace.id), to, call_actor(call), call->arena,
                       &error)) {
        answer(call, to);
        return;
    }
    /* A worker takes back what may have been done. */
    if (error.code == ERR_UPSTREAM && call->config->worker) worker_wake(call->config->worker);
    call_fail(call, &error, "Nothing was changed.");
}
