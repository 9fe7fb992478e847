/*
 * A zone is made in two transactions: first its name and account, then its records. So one without SOA record is being
 * made just now, or PowerDNS died on the way. Only time tells these apart, and mending too early would leave two SOA
 * records in it.
 */
#include "base/clock.h"
#include "driver/dns/powerdns/inside.h"

bool powerdns_stays_half_made(struct powerdns *p, struct str zone) {
    uint64_t hash = str_hash(zone);
    int64_t now = clock_steady_ms();
    bool stays = false, is_known = false;
    pthread_mutex_lock(&p->mutex);
    for (size_t i = 0; i < POWERDNS_HALF_MADE_MAX && !is_known; i++) {
        struct powerdns_half_made *seen = &p->half_made[i];
        is_known = seen->since_ms && seen->hash == hash;
        stays = is_known && now - seen->since_ms > p->timeout_ms;
        if (stays) *seen = (struct powerdns_half_made){0};
    }
    if (!is_known) p->half_made[p->n_half_made++ % POWERDNS_HALF_MADE_MAX] = (struct powerdns_half_made){hash, now};
    pthread_mutex_unlock(&p->mutex);
    return stays;
}
