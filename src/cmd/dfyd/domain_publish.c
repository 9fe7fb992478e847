#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "store/zone_parts.h"
#include "told.h"

struct publishing {
    int64_t n;
    struct audit_record record;
};

static bool publish_change(struct db *db, void *arg, struct error *reterr) {
    struct publishing *p = arg;
    if (!zone_parts_publish_all(db, p->record.now_ms, &p->n, reterr)) return false;
    p->record.affected = p->n;
    return told_of_business(db, p->record, reterr);
}

bool run_domain_publish(const struct invocation *invocation, struct error *reterr) {
    struct publishing publishing = {.record = told_record(invocation, ACTIVITY_RECORDS_PUBLISHED)};
    if (!store_write(invocation->setup->store, publish_change, &publishing, reterr)) return false;
    printf(
        "the server looks at the records of %lld %s and publishes what is wanted now, but for what was changed by hand;"
        " `dfyd domain list --stuck` says where something is in the way\n",
        (long long)publishing.n, publishing.n == 1 ? "domain" : "domains");
    return true;
}
