#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "store/store.h"
#include "store/zone_parts.h"
#include "told.h"

struct repairing {
    struct str name;
    struct audit_record record;
};

static bool repair_change(struct db *db, void *arg, struct error *reterr) {
    const struct repairing *r = arg;
    return zone_parts_repair(db, r->name, r->record.now_ms, reterr) && told_of_business(db, r->record, reterr);
}

bool run_domain_repair(const struct invocation *invocation, struct error *reterr) {
    struct repairing repairing = {
        .name = str_of(invocation_value(invocation, "domain")),
        .record = told_record(invocation, ACTIVITY_DOMAIN_REPAIRED),
    };
    const struct told_member told = {"domain", TOLD_TEXT, .text = repairing.name};
    repairing.record.detail = told_detail(&told, 1, invocation->arena);
    if (!store_write(invocation->setup->store, repair_change, &repairing, reterr)) return false;
    printf(
        "the server publishes the records of %.*s as they are wanted, over what was changed by hand; `dfyd domain show"
        " %.*s` says what is still in the way\n",
        STR_ARG(repairing.name), STR_ARG(repairing.name));
    return true;
}
