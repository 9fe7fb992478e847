#include "api/operator.h"

#include <stddef.h>

#include "api/member.h"
#include "api/time_text.h"

enum { TIME_SHOWN_MAX = 40 }; /* bytes */

static const struct schema_field end_fields[] = {
    {.name = "timestamp_end",
     .type = SCHEMA_STRING,
     .nullable = true,
     .offset = offsetof(struct operator_end, timestamp_end)},
};
const struct schema operator_end_schema = {end_fields, ARRAY_LEN(end_fields), sizeof(struct operator_end)};

bool operator_read_query(struct call *call, const struct schema *schema, bool has_ids, struct operator_query *ret) {
    struct error error = {0};
    bool ok = schema_query(schema, call->request->query, call->arena, ret, &error);
    if (ok && has_ids && ret->starting_after.n && !uuid_is_valid(ret->starting_after)) ok = list_bad_cursor(&error);
    if (!ok) call_refuse(call, &error);
    return ok;
}

enum http_verdict operator_defer(struct call *call, const struct schema *schema) {
    struct error error = {0};
    call->order = arena_alloc(call->arena, schema->size);
    if (schema_query(schema, call->request->query, call->arena, call->order, &error)) return HTTP_DEFER;
    call_refuse(call, &error);
    return HTTP_ANSWER;
}

bool operator_workspace(struct db *db, struct str asked, struct arena *arena, struct workspace *ret,
                        struct error *reterr) {
    *ret = (struct workspace){.name = STR("")};
    return !asked.n || workspace_find(db, asked, arena, ret, reterr);
}

void operator_add_workspace(struct buf *out, struct str id, struct str name) {
    member_text(out, "workspace_id", id);
    member_text(out, "workspace", name);
}

bool operator_time(struct str text, const char *name, int64_t fallback, int64_t *ret_ms, struct error *reterr) {
    int64_t end_ms;
    *ret_ms = fallback;
    if (!text.n || time_text_parse(text, ret_ms, &end_ms)) return true;
    return error_set(reterr, ERR_INVALID,
                     "%s is a day in UTC or a time, such as 2026-12-01 or 2026-12-01T08:30:00Z; not \"%.*s\"", name,
                     text.n > TIME_SHOWN_MAX ? TIME_SHOWN_MAX : (int)text.n, text.p);
}

struct audit_record operator_record(struct call *call, enum activity activity, int64_t affected, struct str detail,
                                    int64_t now_ms) {
    struct audit_record record = call_record(call, activity, str_of(call->identity->key.workspace_id), now_ms);
    record.affected = affected;
    record.detail = detail;
    return record;
}
