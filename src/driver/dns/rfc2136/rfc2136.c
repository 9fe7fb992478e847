#include "driver/dns/rfc2136.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/clock.h"
#include "driver/dns/nameservers.h"
#include "driver/dns/rfc2136/primary.h"
#include "driver/dns/rfc2136/update.h"

enum { TIMEOUT_MS = 8000, ROUNDS = 4, PEACE_MS = 10000 };

struct rfc2136 {
    struct dns base;
    struct carry_server server;
    struct tsig_key key;
    int64_t timeout_ms;
    struct arena *arena; /* of the name servers, for reading only */
    struct str *nameservers;
    size_t n_nameservers;
};

/* One call, about one zone. */
struct call {
    struct primary primary;
    struct str zone;
    ldns_rdf *apex;
    ldns_rdf **owners;  /* of the names that are looked at */
    struct look *looks; /* the first is of the zone's SOA */
    size_t n;           /* names; there is one look more */
    struct rrset *served;
    struct arena *arena;
    struct answer *answer;
};

static struct rfc2136 *rfc2136_of(struct dns *d) {
    return (struct rfc2136 *)d;
}

/* ---- looking ---- */

static bool fail(struct call *call, const char *what, struct str name, const char *type) {
    answer_set(call->answer, OUTCOME_UNKNOWN, "%s: %.*s %s", what, STR_ARG(name), type);
    return false;
}

static bool is_inside(const ldns_rdf *name, const ldns_rdf *zone) {
    return ldns_dname_compare(name, zone) == 0 || ldns_dname_is_subdomain(name, zone);
}

static bool add_look(struct call *call, struct str name, const char *type) {
    ldns_rdf *owner = call->owners[call->n] = wire_name(name);
    ldns_rr_type wanted = wire_type(type);
    struct look *look = &call->looks[++call->n];
    *look = (struct look){.owner = owner, .type = wanted};
    if (!owner || !wanted) return fail(call, "nothing that can be published", name, type);
    return is_inside(owner, call->apex) || fail(call, "not in the zone", name, type);
}

/* Freed with end_call, whatever begin_call returned. N: most names that are added. */
static bool begin_call(struct rfc2136 *r, struct str zone, size_t n, struct arena *arena, struct answer *answer,
                       struct call *ret) {
    *ret = (struct call){
        .primary = {.server = &r->server,
                    .key = &r->key,
                    .zone = zone,
                    .arena = arena,
                    .answer = answer,
                    .until_ms = clock_steady_ms() + r->timeout_ms,
                    .fd = -1},
        .zone = zone,
        .apex = wire_name(zone),
        .owners = ARENA_ARRAY(arena, n + 1, ldns_rdf *),
        .looks = ARENA_ARRAY(arena, n + 1, struct look),
        .served = ARENA_ARRAY(arena, n + 1, struct rrset),
        .arena = arena,
        .answer = answer,
    };
    ret->looks[0] = (struct look){.owner = ret->apex, .type = LDNS_RR_TYPE_SOA};
    return ret->apex || fail(ret, "no name of a zone", zone, "");
}

static void end_call(struct call *call) {
    primary_close(&call->primary);
    looks_free(call->looks, call->n + 1);
    for (size_t i = 0; i < call->n; i++) ldns_rdf_deep_free(call->owners[i]);
    ldns_rdf_deep_free(call->apex);
}

/* What the primary answers about the zone itself; NULL: it does not serve it. Borrowed from the answer. */
static const ldns_rr *soa_of(const struct call *call) {
    const ldns_pkt *packet = call->looks[0].packet;
    const ldns_rr_list *list = ldns_pkt_answer(packet);
    if (ldns_pkt_get_rcode(packet) != LDNS_RCODE_NOERROR || !ldns_pkt_aa(packet) || !list) return NULL;
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA && ldns_dname_compare(ldns_rr_owner(rr), call->apex) == 0)
            return rr;
    }
    return NULL;
}

static bool is_clear(ldns_pkt_rcode rcode) {
    return rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
}

static bool fail_rcode(struct call *call, struct str name, ldns_pkt_rcode rcode) {
    answer_set(call->answer, OUTCOME_UNKNOWN,
               rcode == LDNS_RCODE_SERVFAIL ? "the primary has %.*s, but cannot serve it (SERVFAIL): its log says why"
                                            : "the primary answers about %.*s with error %d: its log says why",
               STR_ARG(name), (int)rcode);
    return false;
}

/* Asks for all; *ret_soa is NULL when there is no such zone, and then nothing else is set. */
static bool look(struct call *call, struct rrset (*about)(const void *list, size_t i), const void *list,
                 const ldns_rr **ret_soa) {
    looks_free(call->looks, call->n + 1);
    if (!primary_look(&call->primary, call->looks, call->n + 1)) return false;
    *ret_soa = soa_of(call);
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(call->looks[0].packet);
    if (!*ret_soa)
        return is_clear(rcode) || rcode == LDNS_RCODE_REFUSED || rcode == LDNS_RCODE_NOTAUTH ||
               fail_rcode(call, call->zone, rcode);
    for (size_t i = 0; i < call->n; i++) {
        const ldns_pkt *packet = call->looks[i + 1].packet;
        struct rrset one = about(list, i);
        if (!is_clear(ldns_pkt_get_rcode(packet))) return fail_rcode(call, one.name, ldns_pkt_get_rcode(packet));
        if (!wire_rrset(ldns_pkt_answer(packet), call->owners[i], one.name, one.type, call->arena, &call->served[i]))
            return fail(call, "the primary serves what cannot be read", one.name, one.type);
    }
    return true;
}

/* ---- fetch ---- */

static struct rrset set_at(const void *list, size_t i) {
    return ((const struct rrset *)list)[i];
}

static bool fetch_all(struct call *call, const struct rrset *sets, size_t n, struct dns_zone *ret) {
    const ldns_rr *soa;
    for (size_t i = 0; i < n; i++)
        if (!add_look(call, sets[i].name, sets[i].type)) return false;
    if (!primary_open(&call->primary) || !look(call, set_at, sets, &soa)) return false;
    for (size_t i = 0; i < n && !soa; i++) call->served[i] = (struct rrset){.name = sets[i].name, .type = sets[i].type};
    *ret = (struct dns_zone){soa ? DNS_ZONE_OURS : DNS_ZONE_MISSING, {call->served, n}};
    return true;
}

static enum outcome fetch(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct arena *arena,
                          struct dns_zone *ret, struct answer *answer) {
    struct call call;
    bool ok = begin_call(rfc2136_of(d), zone, n, arena, answer, &call) && fetch_all(&call, sets, n, ret);
    end_call(&call);
    return ok ? OUTCOME_DONE : OUTCOME_UNKNOWN;
}

/* ---- change ---- */

static struct rrset change_at(const void *list, size_t i) {
    return ((const struct zone_change *)list)[i].to;
}

static bool is_taken_away(const struct zone_change *changes, size_t n, struct str name, const char *type) {
    for (size_t i = 0; i < n; i++)
        if (!changes[i].to.n_data && str_eq(changes[i].to.name, name) && str_is(str_of(changes[i].to.type), type))
            return true;
    return false;
}

/* Servers take a record beside an alias without a word, and drop it (RFC 2136 section 3.4.2.2). */
static bool is_free(struct call *call, const struct zone_change *changes, size_t n, size_t i) {
    const struct rrset *to = &changes[i].to;
    struct rrset alias;
    if (!to->n_data || call->looks[i + 1].type == LDNS_RR_TYPE_CNAME) return true;
    if (!wire_rrset(ldns_pkt_answer(call->looks[i + 1].packet), call->owners[i], to->name, "CNAME", call->arena,
                    &alias))
        return false;
    return !alias.n_data || is_taken_away(changes, n, to->name, "CNAME") ||
           fail(call, "an alias (CNAME) is in the way, take it away at the primary", to->name, to->type);
}

/* Those that are still to be made; false when one's RRset is neither as it was nor as it shall be. */
static bool gather(struct call *call, const struct zone_change *changes, size_t n, struct update_change *todo,
                   size_t *ret_n) {
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        const struct zone_change *change = &changes[i];
        if (rrset_same(&change->to, &call->served[i])) continue;
        if (!rrset_same_data(&change->was, &call->served[i]))
            return fail(call, "changed meanwhile, by somebody else", change->to.name, change->to.type);
        if (!is_free(call, changes, n, i)) return false;
        todo[(*ret_n)++] = (struct update_change){call->owners[i], call->looks[i + 1].type,
                                                  ldns_pkt_answer(call->looks[i + 1].packet), &change->to};
    }
    return true;
}

static bool confirm(struct call *call, const struct zone_change *changes, size_t n) {
    const ldns_rr *soa;
    if (!look(call, change_at, changes, &soa)) return false;
    for (size_t i = 0; i < n; i++)
        if (!soa || !rrset_same(&changes[i].to, &call->served[i]))
            return fail(call, "the primary took the update, but does not serve it (yet)", changes[i].to.name,
                        changes[i].to.type);
    return true;
}

static bool fail_update(struct call *call, ldns_pkt_rcode rcode) {
    const char *key = call->primary.key->name;
    if (rcode == LDNS_RCODE_REFUSED || rcode == LDNS_RCODE_NOTAUTH)
        answer_set(call->answer, OUTCOME_UNKNOWN,
                   "the primary does not let the key %s change the zone: allow it there (Knot: acl with action update; "
                   "BIND: update-policy); zone %.*s",
                   key, STR_ARG(call->zone));
    else
        answer_set(call->answer, OUTCOME_UNKNOWN, "the primary does not take the update (error %d): its log says why",
                   (int)rcode);
    return false;
}

static bool is_prerequisite(ldns_pkt_rcode rcode) {
    return rcode == LDNS_RCODE_YXDOMAIN || rcode == LDNS_RCODE_YXRRSET || rcode == LDNS_RCODE_NXRRSET ||
           rcode == LDNS_RCODE_NXDOMAIN;
}

static bool send_update(struct call *call, const ldns_rr *soa, const struct update_change *todo, size_t n,
                        ldns_pkt_rcode *ret) {
    size_t bad = n;
    ldns_pkt *packet = update_write(call->apex, soa, todo, n, call->arena, &bad);
    if (!packet)
        return fail(call, "the update cannot be written", bad < n ? todo[bad].to->name : call->zone,
                    bad < n ? todo[bad].to->type : "");
    bool ok = primary_update(&call->primary, packet, ret);
    ldns_pkt_free(packet);
    return ok;
}

/* What one round leaves to the next. */
struct rounds {
    ldns_rr *soa; /* when it was looked last; NULL: the first round */
    bool with_serial;
};

enum round { ROUND_DONE, ROUND_FAILED, ROUND_AGAIN };

/*
 * A prerequisite that failed may have been the serial alone, which any other change of the zone moves: then it is
 * looked again. When it failed though neither serial nor RRsets moved, the server compares the serial with that of
 * another copy, so it goes without. When that fails as well, something is served that is no record of the zone.
 */
static bool next_soa(struct call *call, struct rounds *rounds, const ldns_rr *soa, const struct rrset *to) {
    bool stands_still = rounds->soa && ldns_rr_compare(rounds->soa, soa) == 0;
    if (stands_still && !rounds->with_serial)
        return fail(call, "served, but no record of the zone: is there a wildcard (*)?", to->name, to->type);
    rounds->with_serial = rounds->with_serial && !stands_still;
    ldns_rr_free(rounds->soa);
    rounds->soa = ldns_rr_clone(soa);
    return true;
}

/* Looks, and changes what is as it WAS. */
static enum round one_round(struct call *call, const struct zone_change *changes, size_t n, struct rounds *rounds) {
    struct update_change *todo = ARENA_ARRAY(call->arena, n, struct update_change);
    const ldns_rr *soa;
    size_t n_todo;
    ldns_pkt_rcode rcode;
    if (!look(call, change_at, changes, &soa)) return ROUND_FAILED;
    if (!soa) {
        fail(call, "create the zone at the primary, and let the key query and update it", call->zone, "");
        return ROUND_FAILED;
    }
    if (!gather(call, changes, n, todo, &n_todo)) return ROUND_FAILED;
    if (!n_todo) return ROUND_DONE;
    if (!next_soa(call, rounds, soa, todo[0].to) ||
        !send_update(call, rounds->with_serial ? soa : NULL, todo, n_todo, &rcode))
        return ROUND_FAILED;
    if (is_prerequisite(rcode)) {
        fail(call, "changed meanwhile, again and again", call->zone, "");
        return ROUND_AGAIN;
    }
    bool ok = rcode == LDNS_RCODE_NOERROR ? confirm(call, changes, n) : fail_update(call, rcode);
    return ok ? ROUND_DONE : ROUND_FAILED;
}

static bool change_all(struct call *call, const struct zone_change *changes, size_t n) {
    struct rounds rounds = {.with_serial = true};
    enum round said = ROUND_AGAIN;
    for (int i = 0; i < ROUNDS && said == ROUND_AGAIN; i++) said = one_round(call, changes, n, &rounds);
    ldns_rr_free(rounds.soa);
    return said == ROUND_DONE;
}

static enum outcome change(struct dns *d, struct str zone, const struct zone_change *changes, size_t n,
                           struct answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct call call;
    bool ok = begin_call(rfc2136_of(d), zone, n, arena, answer, &call);
    for (size_t i = 0; ok && i < n; i++) ok = add_look(&call, changes[i].to.name, changes[i].to.type);
    ok = ok && primary_open(&call.primary) && change_all(&call, changes, n);
    /* It may still be done; a server that answers again takes far less than this to do what it holds. */
    if (!ok && call.primary.has_sent_update) answer->retry_after_ms = PEACE_MS;
    end_call(&call);
    return ok ? OUTCOME_DONE : OUTCOME_UNKNOWN;
}

/* ---- the driver ---- */

static const struct str *nameservers(struct dns *d, size_t *ret_n) {
    *ret_n = rfc2136_of(d)->n_nameservers;
    return rfc2136_of(d)->nameservers;
}

static void destroy(struct dns *d) {
    struct rfc2136 *r = rfc2136_of(d);
    sodium_memzero(&r->key, sizeof r->key);
    arena_destroy(r->arena);
    free(r);
}

const char *rfc2136_config_fault(const struct rfc2136_config *config) {
    struct carry_server server;
    struct tsig_key key;
    if (!config->host || !config->host[0] || !config->port)
        return "rfc2136_server is missing: say address and port of the primary, such as 192.0.2.1:53";
    if (!carry_server_of(config->host, config->port, &server)) return "rfc2136_server must be a numeric address";
    const char *fault = tsig_key_read(config->key, &key);
    sodium_memzero(&key, sizeof key);
    return fault ? fault : nameservers_fault(config->nameservers);
}

struct dns *dns_rfc2136_create(const struct rfc2136_config *config) {
    static const struct dns_ops ops = {
        .name = "rfc2136",
        .nameservers = nameservers,
        .fetch = fetch,
        .change = change,
        .destroy = destroy,
    };
    struct rfc2136 *r = calloc(1, sizeof *r);
    if (!r) abort();
    r->base.ops = &ops;
    r->timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS;
    r->arena = arena_create(1024);
    if (!carry_server_of(config->host, config->port, &r->server) || tsig_key_read(config->key, &r->key)) abort();
    nameservers_read(config->nameservers, r->arena, &r->nameservers, &r->n_nameservers);
    return &r->base;
}
