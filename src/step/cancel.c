#include "step/cancel.h"

struct cancelling {
    struct cancellation job;
    struct arena *arena;
    struct account_row *rows;
    size_t n;
};

static bool cancel_change(struct db *db, void *arg, struct error *reterr) {
    struct cancelling *c = arg;
    return cancel_accounts(db, &c->job, c->arena, &c->rows, &c->n, reterr);
}

bool cancel_run(const struct world *world, struct str workspace_id, const struct str *emails, size_t n,
                struct actor actor, struct arena *arena, struct account_row **ret, size_t *ret_n,
                struct error *reterr) {
    char audit_id[UUID_TEXT];
    ids_uuid(world->ids, audit_id);
    struct cancelling c = {
        .job =
            {
                .workspace_id = workspace_id,
                .emails = emails,
                .n = n,
                .audit_id = str_of(audit_id),
                .actor = actor,
                .now_ms = clock_now(world->clock),
            },
        .arena = arena,
    };
    if (!store_write_of(world->store, workspace_id, cancel_change, &c, reterr)) return false;
    world_reached(world, "cancel.recorded");
    *ret = c.rows;
    *ret_n = c.n;
    return true;
}
