#include "driver/dns/dns.h"

const struct str *dns_nameservers(struct dns *d, size_t *ret_n) {
    return d->ops->nameservers(d, ret_n);
}

enum outcome dns_fetch(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct arena *arena,
                       struct dns_zone *ret, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_look(&d->tally, began, d->ops->fetch(d, zone, sets, n, arena, ret, answer), answer->reason);
}

enum outcome dns_change(struct dns *d, struct str zone, const struct zone_change *changes, size_t n,
                        struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_act(&d->tally, began, d->ops->change(d, zone, changes, n, answer), answer->reason);
}

void dns_destroy(struct dns *d) {
    if (d && d->ops->destroy) d->ops->destroy(d);
}
