#include "api/webhook_body.h"

#include <stddef.h>

#include "api/list_query.h"
#include "api/webhook_types.h"
#include "core/target.h"

enum { TEXT_MAX_BYTES = 1000, HEADERS_MAX = 20, LINES_MAX_BYTES = 1 << 16 };

static const char *text_fault(struct str text) {
    return text.n > TEXT_MAX_BYTES ? "must NOT have more than 1000 characters" : NULL;
}

#define AT(member)                                                                                                     \
    .offset = offsetof(struct webhook_asked, member), .present_offset = offsetof(struct webhook_asked, has_##member)
#define FIELDS(target_required)                                                                                        \
    {                                                                                                                  \
        {.name = "campaign", .type = SCHEMA_STRING, .nullable = true, .fault = text_fault, AT(campaign)},              \
            {.name = "name", .type = SCHEMA_STRING, .nullable = true, .fault = text_fault, AT(name)},                  \
            {.name = "target_hook_url",                                                                                \
             .type = SCHEMA_STRING,                                                                                    \
             .required = (target_required),                                                                            \
             .fault = target_url_fault,                                                                                \
             AT(target)},                                                                                              \
            {.name = "event_type",                                                                                     \
             .type = SCHEMA_STRING,                                                                                    \
             .nullable = true,                                                                                         \
             .fault = webhook_type_fault,                                                                              \
             AT(event_type)},                                                                                          \
            {.name = "custom_interest_value", .type = SCHEMA_DECIMAL, .nullable = true, AT(custom_interest_value)},    \
            {.name = "headers",                                                                                        \
             .type = SCHEMA_MAP,                                                                                       \
             .nullable = true,                                                                                         \
             .count_offset = offsetof(struct webhook_asked, n_headers),                                                \
             AT(headers)},                                                                                             \
    }

static const struct schema_field create_fields[] = FIELDS(true);
static const struct schema_field change_fields[] = FIELDS(false);
static const struct schema create_schema = {create_fields, ARRAY_LEN(create_fields), sizeof(struct webhook_asked), 0};
static const struct schema change_schema = {change_fields, ARRAY_LEN(change_fields), sizeof(struct webhook_asked), 1};

static bool check_headers(const struct webhook_asked *asked, struct error *reterr) {
    if (asked->n_headers > HEADERS_MAX)
        return error_set(reterr, ERR_INVALID, "body/headers must NOT have more than %d properties", HEADERS_MAX);
    for (size_t i = 0; i < asked->n_headers; i++) {
        const struct schema_entry *header = &asked->headers[i];
        const char *fault = target_header_fault(header->name, header->value);
        struct str name = header->name;
        if (name.n > 100) name.n = 100;
        if (fault) return error_set(reterr, ERR_INVALID, "body/headers/%.*s %s", STR_ARG(name), fault);
    }
    return true;
}

bool webhook_body_read(const struct call *call, bool is_change, struct webhook_asked *ret, struct error *reterr) {
    if (!schema_body(is_change ? &change_schema : &create_schema, call->request->body, call->arena, ret, reterr))
        return false;
    if (ret->has_target && !call->config->world->hook_private_targets && target_url_is_private(ret->target))
        return error_set(reterr, ERR_INVALID,
                         "body/target_hook_url must be a public address, not one of this machine or a private network");
    return check_headers(ret, reterr);
}

static struct maybe maybe_of(struct str text) {
    return (struct maybe){.is_set = text.p != NULL, .text = text.p ? text : STR("")};
}

/* As lines NAME:VALUE, which step/deliver.c reads. */
static struct maybe seal_headers(const struct call *call, const struct webhook_asked *asked) {
    if (!asked->headers) return (struct maybe){0};
    const struct world *world = call->config->world;
    struct buf lines;
    buf_init(&lines, LINES_MAX_BYTES); /* all names and values at their longest fit */
    for (size_t i = 0; i < asked->n_headers; i++) {
        buf_add(&lines, asked->headers[i].name);
        buf_add_byte(&lines, ':');
        buf_add(&lines, asked->headers[i].value);
        buf_add_byte(&lines, '\n');
    }
    struct maybe sealed = {.is_set = true, .text = vault_seal(world->vault, world->rng, buf_str(&lines), call->arena)};
    buf_finish(&lines);
    return sealed;
}

void webhook_body_apply(const struct call *call, const struct webhook_asked *asked, struct webhook *webhook) {
    if (asked->has_target) webhook->target = asked->target;
    if (asked->has_campaign) webhook->campaign = maybe_of(asked->campaign);
    if (asked->has_name) webhook->name = maybe_of(asked->name);
    if (asked->has_event_type) webhook->event_type = maybe_of(asked->event_type);
    if (asked->has_custom_interest_value) webhook->custom_interest_value = maybe_of(asked->custom_interest_value);
    if (asked->has_headers) webhook->sealed_headers = seal_headers(call, asked);
}

/* ---- out ---- */

static void add_maybe(struct buf *out, const char *name, const struct maybe *value) {
    buf_add(out, str_of(name));
    if (value->is_set)
        buf_add_json(out, value->text);
    else
        BUF_LIT(out, "null");
}

static bool add_headers(const struct call *call, const struct webhook *webhook, struct buf *out, struct error *reterr) {
    struct str lines = STR("");
    BUF_LIT(out, ",\"headers\":");
    if (!webhook->sealed_headers.is_set) {
        BUF_LIT(out, "null");
        return true;
    }
    if (!vault_open_sealed(call->config->world->vault, webhook->sealed_headers.text, call->arena, &lines, reterr))
        return false;
    buf_add_byte(out, '{');
    for (bool first = true; lines.n; first = false) {
        struct str value, name = str_cut(str_cut(lines, '\n', &lines), ':', &value);
        if (!first) buf_add_byte(out, ',');
        buf_add_json(out, name);
        buf_add_byte(out, ':');
        buf_add_json(out, value);
    }
    buf_add_byte(out, '}');
    return true;
}

bool webhook_body_write(const struct call *call, const struct webhook *webhook, struct buf *out, struct error *reterr) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, webhook->id);
    BUF_LIT(out, ",\"organization\":");
    buf_add_json(out, webhook->workspace_id);
    add_maybe(out, ",\"campaign\":", &webhook->campaign);
    add_maybe(out, ",\"name\":", &webhook->name);
    BUF_LIT(out, ",\"target_hook_url\":");
    buf_add_json(out, webhook->target);
    /* The reference's enum has no null. */
    if (webhook->event_type.is_set) add_maybe(out, ",\"event_type\":", &webhook->event_type);
    BUF_LIT(out, ",\"custom_interest_value\":");
    buf_add(out, webhook->custom_interest_value.is_set ? webhook->custom_interest_value.text : STR("null"));
    if (!add_headers(call, webhook, out, reterr)) return false;
    BUF_LIT(out, ",\"timestamp_created\":");
    list_add_time(out, webhook->created_ms);
    buf_add(out, webhook->is_active ? STR(",\"status\":1,\"timestamp_error\":")
                                    : STR(",\"status\":-1,\"timestamp_error\":"));
    if (webhook->error_ms)
        list_add_time(out, webhook->error_ms);
    else
        BUF_LIT(out, "null");
    BUF_LIT(out, "}");
    return true;
}
