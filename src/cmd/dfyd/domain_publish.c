#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "store/zone_parts.h"

struct publishing {
    int64_t now_ms, n;
};

static bool publish_change(struct db *db, void *arg, struct error *reterr) {
    struct publishing *p = arg;
    return zone_parts_publish_all(db, p->now_ms, &p->n, reterr);
}

bool run_domain_publish(const struct invocation *invocation, struct error *reterr) {
    struct publishing publishing = {.now_ms = clock_now(&invocation->setup->clock)};
    if (!store_write(invocation->setup->store, publish_change, &publishing, reterr)) return false;
    printf(
        "the server looks at the records of %lld %s and publishes what is wanted now, but for what was changed by hand;"
        " `dfyd domain list --stuck` says where something is in the way\n",
        (long long)publishing.n, publishing.n == 1 ? "domain" : "domains");
    return true;
}
