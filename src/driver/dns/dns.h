/*
 * dns: who publishes a domain's zone. Safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "core/zone.h"
#include "driver/outcome.h"
#include "driver/tally.h"

struct dns;

/* What a server has of a zone. */
struct dns_zone {
    enum {
        DNS_ZONE_MISSING,
        DNS_ZONE_OURS,
        DNS_ZONE_FOREIGN, /* it is there, and somebody else's: nothing in it may be changed */
    } state;
    struct rrsets served; /* an entry for each that was asked for, without data when there is none */
};

struct dns_ops {
    const char *name;
    bool is_sandbox; /* only pretends; then the clock may be moved */
    /* The name servers a registered domain must point at; lives as long as the driver. Mandatory. */
    const struct str *(*nameservers)(struct dns *, size_t *ret_n);
    /*
     * Asks only, and the server that change talks to, not a resolver: what it serves of the names and types of SETS,
     * whose data and TTLs are not looked at. DONE with *ret, from ARENA; a missing zone is an answer, too. Mandatory.
     */
    enum outcome (*fetch)(struct dns *, struct str zone, const struct rrset *sets, size_t n, struct arena *,
                          struct dns_zone *ret, struct answer *);
    /*
     * Makes each change; the zone is made first when it is missing. All of them or none. Where the server can tell, a
     * change whose RRset is not as it WAS any more is UNKNOWN and nothing is changed. A zone that is not ours is
     * UNKNOWN too: a person has to decide. Repeat freely. Once it is DONE, no earlier call for the same RRsets takes
     * effect any more: a driver gives up on a call only when that cannot come late. Mandatory.
     */
    enum outcome (*change)(struct dns *, struct str zone, const struct zone_change *changes, size_t n, struct answer *);
    /* Frees the driver. NULL if nothing is held. */
    void (*destroy)(struct dns *);
};

struct dns {
    const struct dns_ops *ops;
    struct tally tally; /* of how the calls below ended; zeroed at first */
};

const struct str *dns_nameservers(struct dns *d, size_t *ret_n);
enum outcome dns_fetch(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct arena *arena,
                       struct dns_zone *ret, struct answer *answer);
enum outcome dns_change(struct dns *d, struct str zone, const struct zone_change *changes, size_t n,
                        struct answer *answer);
/* NULL is fine. */
void dns_destroy(struct dns *d);
