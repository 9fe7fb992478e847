#include "step/swap.h"

#include "step/place.h"

struct change {
    struct swap swap;
    bool is_stale;
};

static bool swap_change(struct db *db, void *arg, struct error *reterr) {
    struct change *c = arg;
    return swap_do(db, &c->swap, &c->is_stale, reterr);
}

bool swap_domain(const struct world *world, struct swap_plan *plan, struct str name, struct actor actor,
                 struct arena *arena, struct error *reterr) {
    char id[UUID_TEXT], audit_id[UUID_TEXT];
    ids_uuid(world->ids, id);
    ids_uuid(world->ids, audit_id);
    for (size_t i = 0; i < plan->n_accounts; i++) {
        struct swap_account *account = &plan->accounts[i];
        ids_uuid(world->ids, account->id);
        account->sealed_password = place_password(world, arena);
    }
    struct change change = {
        .swap = {.plan = plan,
                 .name = name,
                 .id = str_of(id),
                 .audit_id = str_of(audit_id),
                 .ids = world->ids,
                 .actor = actor,
                 .now_ms = clock_now(world->clock)},
    };
    if (!store_write_of(world->store, plan->workspace_id, swap_change, &change, reterr)) return false;
    if (change.is_stale) return error_set(reterr, ERR_CONFLICT, "the domain changed meanwhile");
    world_reached(world, "swap.recorded");
    plan->new_name = name;
    return true;
}
