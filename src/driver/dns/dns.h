/*
 * dns: who publishes a domain's zone. Safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "core/records.h"
#include "driver/outcome.h"

struct dns;

struct dns_ops {
    const char *name;
    bool is_sandbox; /* only pretends; then the clock may be moved */
    /* The name servers a registered domain must point at; lives as long as the driver. Mandatory. */
    const struct str *(*nameservers)(struct dns *, size_t *ret_n);
    /* Asks only. DONE: the zone exists and serves exactly these RRsets (and may serve others); of one without data
     * there is none. REFUSED: not. Mandatory. */
    enum outcome (*lookup)(struct dns *, struct str zone, const struct rrset *sets, size_t n, struct answer *);
    /*
     * Makes the zone if it is missing and replaces each named RRset; one without data is taken away. Repeat freely.
     * Once it is DONE, no earlier call for the same RRsets takes effect any more: a driver gives up on a call only when
     * that cannot come late, or numbers them. Mandatory.
     */
    enum outcome (*publish)(struct dns *, struct str zone, const struct rrset *sets, size_t n, struct answer *);
    /* Frees the driver. NULL if nothing is held. */
    void (*destroy)(struct dns *);
};

struct dns {
    const struct dns_ops *ops;
};

const struct str *dns_nameservers(struct dns *d, size_t *ret_n);
enum outcome dns_lookup(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct answer *answer);
enum outcome dns_publish(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct answer *answer);
/* NULL is fine. */
void dns_destroy(struct dns *d);
