#include "driver/dns/dns.h"

const struct str *dns_nameservers(struct dns *d, size_t *ret_n) {
    return d->ops->nameservers(d, ret_n);
}

enum outcome dns_fetch(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct arena *arena,
                       struct dns_zone *ret, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    return d->ops->fetch(d, zone, sets, n, arena, ret, answer);
}

enum outcome dns_change(struct dns *d, struct str zone, const struct zone_change *changes, size_t n,
                        struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    return d->ops->change(d, zone, changes, n, answer);
}

void dns_destroy(struct dns *d) {
    if (d && d->ops->destroy) d->ops->destroy(d);
}
