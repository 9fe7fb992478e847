#include "told.h"

#include "base/buf.h"
#include "core/money.h"
#include "setup.h"
#include "store/workspaces.h"

enum { DETAIL_MAX = 1 << 16 };

struct audit_record told_record(const struct invocation *invocation, enum activity activity) {
    char *id = arena_alloc(invocation->arena, UUID_TEXT);
    ids_uuid(&invocation->setup->ids, id);
    return (struct audit_record){.id = str_of(id),
                                 .activity = activity,
                                 .affected = 1,
                                 .detail = STR("{}"),
                                 .now_ms = clock_now(&invocation->setup->clock)};
}

static void add_value(struct buf *out, const struct told_member *member) {
    switch (member->kind) {
    case TOLD_TEXT:
        if (member->text.n)
            buf_add_json(out, member->text);
        else
            BUF_LIT(out, "null");
        break;
    case TOLD_MONEY:
        money_json(out, member->number);
        break;
    case TOLD_NUMBER:
        buf_add_int(out, member->number);
        break;
    case TOLD_FLAG:
        buf_printf(out, "%s", member->number ? "true" : "false");
        break;
    }
}

struct str told_detail(const struct told_member *members, size_t n, struct arena *arena) {
    struct buf text;
    buf_init(&text, DETAIL_MAX);
    BUF_LIT(&text, "{");
    for (size_t i = 0; i < n; i++) {
        buf_printf(&text, "%s\"%s\":", i ? "," : "", members[i].name);
        add_value(&text, &members[i]);
    }
    BUF_LIT(&text, "}");
    struct str detail = arena_str(arena, buf_str(&text));
    buf_finish(&text);
    return detail;
}

bool told_of(struct db *db, struct audit_record record, struct str workspace_id, struct error *reterr) {
    record.workspace_id = workspace_id;
    return audit_add(db, &record, reterr);
}

bool told_of_business(struct db *db, struct audit_record record, struct error *reterr) {
    char first[UUID_TEXT];
    return workspace_first(db, first, reterr) && told_of(db, record, str_of(first), reterr);
}
