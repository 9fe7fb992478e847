#include "operate.h"

#include <stdio.h>

#include "api/operator_detail.h"
#include "setup.h"
#include "table.h"
#include "told.h"

bool operate_list(const struct invocation *invocation, store_fn *read, struct error *reterr) {
    struct listing listing = {.stuck = invocation_has(invocation, "stuck"), .arena = invocation->arena};
    if (!invocation_limit(invocation, &listing.max, reterr) ||
        !store_read(invocation->setup->store, read, &listing, reterr))
        return false;
    table_print(listing.table, stdout);
    return true;
}

struct retrying {
    operate_fn *retry;
    struct str id;
    struct audit_record record;
};

static bool retry_change(struct db *db, void *arg, struct error *reterr) {
    const struct retrying *r = arg;
    return r->retry(db, r->id, r->record.now_ms, reterr) && told_of_business(db, r->record, reterr);
}

bool operate_retry(const struct invocation *invocation, enum work_kind kind, operate_fn *retry, struct error *reterr) {
    struct setup *setup = invocation->setup;
    struct retrying r = {.retry = retry, .id = str_of(invocation_value(invocation, "id"))};
    r.record = told_record(invocation, ACTIVITY_WORK_RETRIED);
    r.record.detail = operator_work_detail(kind, r.id, STR(""), invocation->arena);
    return store_write(setup->store, retry_change, &r, reterr);
}
