#include "driver/dns/rfc2136/update.h"

static bool push(ldns_rr_list *list, ldns_rr *rr) {
    if (rr && ldns_rr_list_push_rr(list, rr)) return true;
    ldns_rr_free(rr);
    return false;
}

/* Without data: class ANY is all records of that type, class NONE that there are none. */
static ldns_rr *empty(const ldns_rdf *owner, ldns_rr_type type, ldns_rr_class class) {
    ldns_rr *rr = ldns_rr_new();
    if (!rr) return NULL;
    ldns_rr_set_owner(rr, ldns_rdf_clone(owner));
    ldns_rr_set_type(rr, type);
    ldns_rr_set_class(rr, class);
    ldns_rr_set_ttl(rr, 0);
    return rr;
}

static ldns_rr *copy(const ldns_rr *rr, uint32_t ttl) {
    ldns_rr *made = ldns_rr_clone(rr);
    if (made) ldns_rr_set_ttl(made, ttl);
    return made;
}

static bool is_of(const ldns_rr *rr, const struct update_change *change) {
    return ldns_rr_get_type(rr) == change->type && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
           ldns_dname_compare(ldns_rr_owner(rr), change->owner) == 0;
}

/* Section 2.4.2: the RRset exists with exactly these records; 2.4.3: there is none. */
static bool require(ldns_rr_list *list, const struct update_change *change, bool *ret_any) {
    *ret_any = false;
    for (size_t i = 0; change->now && i < ldns_rr_list_rr_count(change->now); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(change->now, i);
        if (!is_of(rr, change)) continue;
        if (!push(list, copy(rr, 0))) return false;
        *ret_any = true;
    }
    return *ret_any || push(list, empty(change->owner, change->type, LDNS_RR_CLASS_NONE));
}

/* The record that has this value now; NULL: none. */
static const ldns_rr *find(const struct update_change *change, struct str value, struct arena *arena) {
    for (size_t i = 0; change->now && i < ldns_rr_list_rr_count(change->now); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(change->now, i);
        struct str now;
        if (is_of(rr, change) && wire_value(rr, arena, &now) && str_eq(now, value)) return rr;
    }
    return NULL;
}

static bool add(ldns_rr_list *list, const struct update_change *change, struct arena *arena) {
    for (size_t i = 0; i < change->to->n_data; i++) {
        const ldns_rr *now = find(change, change->to->data[i], arena);
        ldns_rr *rr = now ? copy(now, (uint32_t)change->to->ttl)
                          : wire_record(change->owner, change->type, change->to->ttl, change->to->data[i]);
        if (!push(list, rr)) return false;
    }
    return true;
}

/* All that goes before all that comes, for an alias may make room for other records. */
static bool fill(ldns_rr_list *prerequisites, ldns_rr_list *updates, const ldns_rr *soa,
                 const struct update_change *changes, size_t n, struct arena *arena, size_t *ret_bad) {
    *ret_bad = n;
    if (soa && !push(prerequisites, copy(soa, 0))) return false;
    for (size_t i = 0; i < n; i++) {
        bool any;
        if (!require(prerequisites, &changes[i], &any)) return false;
        if (any && !push(updates, empty(changes[i].owner, changes[i].type, LDNS_RR_CLASS_ANY))) return false;
    }
    for (*ret_bad = 0; *ret_bad < n; ++*ret_bad)
        if (!add(updates, &changes[*ret_bad], arena)) return false;
    return true;
}

ldns_pkt *update_write(const ldns_rdf *zone, const ldns_rr *soa, const struct update_change *changes, size_t n,
                       struct arena *arena, size_t *ret_bad) {
    ldns_rr_list *prerequisites = ldns_rr_list_new(), *updates = ldns_rr_list_new();
    ldns_pkt *packet = NULL;
    if (prerequisites && updates && fill(prerequisites, updates, soa, changes, n, arena, ret_bad))
        packet = ldns_update_pkt_new(ldns_rdf_clone(zone), LDNS_RR_CLASS_IN, prerequisites, updates, NULL);
    if (packet) ldns_pkt_set_rd(packet, false); /* the bit is of queries; here it must be 0 */
    ldns_rr_list_deep_free(prerequisites);
    ldns_rr_list_deep_free(updates);
    return packet;
}
