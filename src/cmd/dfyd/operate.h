/* operate: what commands about orders, renewals and refunds do alike: list them, and change one by its id. */
#pragma once

#include "command.h"
#include "store/store.h"

struct listing {
    bool stuck; /* only what needs a person */
    size_t max;
    struct arena *arena;
    struct table *table; /* for READ to make and fill */
};

/* Lists by the flags --stuck and --limit: READ gets a struct listing, whose table is printed. */
MUST_CHECK bool operate_list(const struct invocation *invocation, store_fn *read, struct error *reterr);

typedef bool operate_fn(struct db *db, struct str id, int64_t now_ms, struct error *reterr);

/* Makes CHANGE, now, of what --id names. */
MUST_CHECK bool operate_change(const struct invocation *invocation, operate_fn *change, struct error *reterr);
