#include "told.h"

#include "setup.h"
#include "store/workspaces.h"

struct audit_record told_record(const struct invocation *invocation, enum activity activity, int64_t now_ms) {
    char *id = arena_alloc(invocation->arena, UUID_TEXT);
    ids_uuid(&invocation->setup->ids, id);
    return (struct audit_record){
        .id = str_of(id), .activity = activity, .affected = 1, .detail = STR("{}"), .now_ms = now_ms};
}

bool told_of_business(struct db *db, struct audit_record record, struct error *reterr) {
    char first[UUID_TEXT];
    if (!workspace_first(db, first, reterr)) return false;
    record.workspace_id = str_of(first);
    return audit_add(db, &record, reterr);
}
