/*
 * rfc2136: zones on any primary server that takes dynamic updates (RFC 2136) signed with TSIG (RFC 8945), such as Knot
 * DNS and BIND. Zones are made by people, there; a zone is dfyd's when its key may change it.
 *
 * What is guaranteed: a change is one message, done whole or not at all, that the server does only if each RRset still
 * is what it WAS, down to how a text is cut into strings, and if nothing else in the zone changed since it was read
 * (the SOA's serial is a prerequisite, too). So what somebody changes by hand between reading and writing is never
 * overwritten, and a call that comes late, when others were made meanwhile, changes nothing. Where updates go to
 * another copy of the zone than the one that is served (BIND's inline-signing), serials differ and only RRsets are
 * compared; then a late call could still do its work if all it is about was changed back to what it had seen, within
 * the 5 minutes that its signature lasts.
 *
 * Prerequisites do not compare TTLs: one that was changed by hand is set again with the next change of the RRset.
 */
#pragma once

#include "driver/dns/dns.h"

struct rfc2136_config {
    const char *host; /* numeric address of the primary */
    uint16_t port;
    const char *key;         /* ALGORITHM:NAME:BASE64; ALGORITHM is hmac-sha256 or hmac-sha512 */
    const char *nameservers; /* host names between commas or spaces */
    int64_t timeout_ms;      /* of one call; 0: 8 seconds */
};

/* What is wrong with CONFIG and how to mend it, without its secret; NULL: nothing. */
const char *rfc2136_config_fault(const struct rfc2136_config *config);
/* CONFIG is without a fault; its texts are copied. Never NULL. Asks nobody. */
struct dns *dns_rfc2136_create(const struct rfc2136_config *config);
