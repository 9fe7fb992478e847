/* operate: what commands about orders, renewals and refunds do alike: list them, and try one again. */
#pragma once

#include "command.h"
#include "store/store.h"
#include "store/work.h"

struct listing {
    bool stuck; /* only what needs a person */
    size_t max;
    struct arena *arena;
    struct table *table; /* for READ to make and fill */
};

/* Lists by the flags --stuck and --limit: READ gets a struct listing, whose table is printed. */
MUST_CHECK bool operate_list(const struct invocation *invocation, store_fn *read, struct error *reterr);

typedef bool operate_fn(struct db *db, struct str id, int64_t now_ms, struct error *reterr);

/* Tries again what --id names, by RETRY, and leaves a record of it. */
MUST_CHECK bool operate_retry(const struct invocation *invocation, enum work_kind kind, operate_fn *retry,
                              struct error *reterr);
