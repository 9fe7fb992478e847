/* update: the message that makes changes in a zone (RFC 2136 section 2). Pure. */
#pragma once

#include "core/zone.h"
#include "driver/dns/wire.h"

/* A change that is still to be made, and the records that are there now, as they came. */
struct update_change {
    const ldns_rdf *owner;
    ldns_rr_type type;
    const ldns_rr_list *now; /* with others among them; only those of OWNER and TYPE are looked at */
    const struct rrset *to;
};

/*
 * Each RRset has to be as it is now (section 2.4), and SOA too unless it is NULL; then those that go are deleted, and
 * what is wanted is added. A value that stays keeps its strings. NULL with the index of the change whose values are
 * none of its type, or N when it cannot be written for another reason.
 */
MUST_CHECK ldns_pkt *update_write(const ldns_rdf *zone, const ldns_rr *soa, const struct update_change *changes,
                                  size_t n, struct arena *arena, size_t *ret_bad);
