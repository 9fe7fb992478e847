#include <stddef.h>

#include "api/list_query.h"

enum { URL_MAX = 2048 };

struct asked {
    struct str name, org_logo_url;
    int64_t unused; /* keeps the bools from the struct's beginning */
    bool has_name, has_logo;
};

static const struct schema_field change_fields[] = {
    {.name = "name",
     .type = SCHEMA_STRING,
     .offset = offsetof(struct asked, name),
     .present_offset = offsetof(struct asked, has_name)},
    {.name = "org_logo_url",
     .type = SCHEMA_STRING,
     .nullable = true,
     .offset = offsetof(struct asked, org_logo_url),
     .present_offset = offsetof(struct asked, has_logo)},
};

static const struct schema change_schema = {change_fields, ARRAY_LEN(change_fields), sizeof(struct asked), 1};

/* There are no users here: the workspace owns itself. Plans of products that are not served are null. */
static void write_workspace(struct buf *out, const struct workspace *workspace) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, str_of(workspace->id));
    BUF_LIT(out, ",\"timestamp_created\":");
    list_add_time(out, workspace->created_ms);
    BUF_LIT(out, ",\"timestamp_updated\":");
    list_add_time(out, workspace->updated_ms);
    BUF_LIT(out, ",\"scheduled_for_removal_at\":null,\"owner\":");
    buf_add_json(out, str_of(workspace->id));
    BUF_LIT(out, ",\"name\":");
    buf_add_json(out, workspace->name);
    BUF_LIT(out,
            ",\"plan_id\":null,\"plan_id_bundle\":null,\"add_unsub_to_block\":null,\"default_opportunity_value\":null,"
            "\"plan_id_leadfinder\":null,\"org_logo_url\":");
    if (workspace->has_logo)
        buf_add_json(out, workspace->org_logo_url);
    else
        BUF_LIT(out, "null");
    BUF_LIT(out, ",\"org_client_domain\":null,\"plan_id_crm\":null,\"plan_id_website_visitor\":null,"
                 "\"plan_id_inbox_placement\":null}");
}

enum http_verdict get_workspace(struct call *call) {
    write_workspace(&call->response->body, &call->identity->workspace);
    call_answer(call);
    return HTTP_ANSWER;
}

/* ---- PATCH ---- */

enum http_verdict change_workspace_begin(struct call *call) {
    struct asked *asked = ARENA_NEW(call->arena, struct asked);
    struct error error = {0};
    bool ok = schema_body(&change_schema, call->request->body, call->arena, asked, &error);
    if (ok && asked->org_logo_url.n > URL_MAX)
        ok = error_set(&error, ERR_INVALID, "body/org_logo_url must NOT have more than %d characters", URL_MAX);
    if (!ok) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (!asked->has_name && !asked->has_logo) return get_workspace(call); /* only properties that nobody knows */
    call->order = asked;
    return HTTP_DEFER;
}

struct changing {
    const struct call *call;
    struct workspace_change change;
    struct audit_record record;
    struct workspace after;
};

static bool change_and_tell(struct db *db, void *arg, struct error *reterr) {
    struct changing *c = arg;
    struct str id = c->record.workspace_id;
    return workspace_change(db, id, &c->change, c->record.now_ms, reterr) && audit_add(db, &c->record, reterr) &&
           workspace_find(db, id, c->call->arena, &c->after, reterr);
}

/* The new values, as {"name": ..., "org_logo_url": ...}. */
static struct str detail_of(const struct asked *asked, struct arena *arena) {
    struct buf text;
    buf_init(&text, 1 << 16);
    BUF_LIT(&text, "{");
    if (asked->has_name) {
        BUF_LIT(&text, "\"name\":");
        buf_add_json(&text, asked->name);
    }
    if (asked->has_logo) {
        if (asked->has_name) BUF_LIT(&text, ",");
        BUF_LIT(&text, "\"org_logo_url\":");
        if (asked->org_logo_url.p)
            buf_add_json(&text, asked->org_logo_url);
        else
            BUF_LIT(&text, "null");
    }
    BUF_LIT(&text, "}");
    struct str detail = arena_str(arena, buf_str(&text));
    buf_finish(&text);
    return detail;
}

void change_workspace_run(struct call *call) {
    const struct asked *asked = call->order;
    const struct world *world = call->config->world;
    char id[UUID_TEXT];
    ids_uuid(world->ids, id);
    struct changing c = {
        .call = call,
        .change = {.has_name = asked->has_name,
                   .name = asked->name,
                   .has_logo = asked->has_logo,
                   .logo_is_null = !asked->org_logo_url.p,
                   .org_logo_url = asked->org_logo_url},
        .record = {.id = str_of(id),
                   .workspace_id = str_of(call->identity->workspace.id),
                   .activity = ACTIVITY_WORKSPACE_CHANGED,
                   .actor = call_actor(call),
                   .affected = 1,
                   .detail = detail_of(asked, call->arena),
                   .now_ms = clock_now(world->clock)},
    };
    struct error error = {0};
    if (store_write_of(world->store, c.record.workspace_id, change_and_tell, &c, &error)) {
        write_workspace(&call->response->body, &c.after);
        call_answer(call);
    } else {
        call_fail(call, &error, "Nothing was changed.");
    }
}
