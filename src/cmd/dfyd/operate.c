#include "operate.h"

#include <stdio.h>

#include "setup.h"
#include "table.h"

bool operate_list(const struct invocation *invocation, store_fn *read, struct error *reterr) {
    struct listing listing = {.stuck = invocation_has(invocation, "stuck"), .arena = invocation->arena};
    if (!invocation_limit(invocation, &listing.max, reterr) ||
        !store_read(invocation->setup->store, read, &listing, reterr))
        return false;
    table_print(listing.table, stdout);
    return true;
}

struct changing {
    operate_fn *change;
    struct str id;
    int64_t now_ms;
};

static bool run_change(struct db *db, void *arg, struct error *reterr) {
    const struct changing *c = arg;
    return c->change(db, c->id, c->now_ms, reterr);
}

bool operate_change(const struct invocation *invocation, operate_fn *change, struct error *reterr) {
    struct setup *setup = invocation->setup;
    struct changing changing = {change, str_of(invocation_value(invocation, "id")), clock_now(&setup->clock)};
    return store_write(setup->store, run_change, &changing, reterr);
}
