/* What happens in a workspace, while it happens, as server-sent events (HTML Living Standard section 9.2). */
#include <stddef.h>

#include "api/call.h"
#include "api/hub.h"
#include "api/schema.h"
#include "store/feed.h"

struct events_query {
    struct str order;
};

static const struct schema_field fields[] = {
    {.name = "order", .type = SCHEMA_STRING, .offset = offsetof(struct events_query, order)},
};
static const struct schema query_schema = {fields, ARRAY_LEN(fields), sizeof(struct events_query)};

struct asked {
    const struct call *call;
    struct str order;
    bool is_there;
};

static bool find_order(struct db *db, void *arg, struct error *reterr) {
    struct asked *a = arg;
    return feed_has_order(db, str_of(a->call->identity->workspace.id), a->order, &a->is_there, reterr);
}

/* Nobody else learns whether there is such an order. False: CALL is answered. */
static bool check_order(struct call *call, struct str order) {
    struct asked asked = {.call = call, .order = order};
    struct error error = {0};
    if (!order.n) return true;
    if (uuid_is_valid(order) && !store_read(call->config->world->store, find_order, &asked, &error)) {
        call_fail(call, &error, "");
        return false;
    }
    if (asked.is_there) return true;
    error_set(&error, ERR_NOT_FOUND, "Resource not found");
    call_refuse(call, &error);
    return false;
}

enum http_verdict follow_events(struct call *call) {
    const struct identity *identity = call->identity;
    struct events_query query;
    struct error error = {0};
    if (!schema_query(&query_schema, call->request->query, call->arena, &query, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (!check_order(call, query.order)) return HTTP_ANSWER;
    const struct hub_wish wish = {
        .workspace_id = str_of(identity->workspace.id),
        .key_id = str_of(identity->key.id),
        .session = {(const char *)identity->session, identity->session_expires_ms ? SESSION_HASH : 0},
        .order_id = query.order,
        .place = http_header(call->request, "Last-Event-ID", NULL),
    };
    if (!hub_join(call->hub, &wish, call->response, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->response->content_type = "text/event-stream";
    http_response_header(call->response, "Cache-Control", "no-store");
    http_response_header(call->response, "X-Accel-Buffering", "no"); /* nginx would keep events back */
    call_answer(call);
    return HTTP_ANSWER;
}
