#include "core/records.h"

/* Mail records change with the provider, which is rare; the forwarding edge may have to move at once. Seconds. */
enum { MAIL_TTL = 3600, WEB_TTL = 300 };

static struct rrset one(struct str name, const char *type, int ttl, struct str data, struct arena *arena) {
    struct str *list = ARENA_NEW(arena, struct str);
    *list = data;
    return (struct rrset){.name = name, .type = type, .ttl = ttl, .data = list, .n_data = 1};
}

const char *const zone_part_names[ZONE_PART_END] = {[ZONE_MAIL] = "mail", [ZONE_WEB] = "web"};

void records_mail(struct str domain, const struct mail_facts *facts, const struct edge_address *edge,
                  struct arena *arena, struct rrset **ret, size_t *ret_n) {
    (void)edge;
    size_t n = 0;
    struct rrset *sets = ARENA_ARRAY(arena, 3 + facts->n_dkim, struct rrset);
    /* The final dot makes the host absolute (RFC 1035 section 5.1). */
    struct str mx = arena_printf(arena, "%d %.*s.", facts->mx_preference, STR_ARG(facts->mx_host));
    sets[n++] = one(domain, "MX", MAIL_TTL, mx, arena);

    /*
     * Soft fail: with "-all" some receivers reject forwarded mail on SPF alone, before they look at a DKIM signature
     * that would pass DMARC (RFC 7489 section 10.1). The DMARC policy below is what stops forgeries.
     */
    struct str spf = arena_printf(arena, "v=spf1 %.*s ~all", STR_ARG(facts->spf_term));
    sets[n++] = one(domain, "TXT", MAIL_TTL, spf, arena);

    for (size_t i = 0; i < facts->n_dkim; i++) {
        struct str key = arena_printf(arena, "%.*s._domainkey.%.*s", STR_ARG(facts->dkim[i].selector), STR_ARG(domain));
        sets[n++] = one(key, "TXT", MAIL_TTL, facts->dkim[i].value, arena);
    }

    struct str policy = arena_printf(arena, "_dmarc.%.*s", STR_ARG(domain));
    sets[n++] = one(policy, "TXT", MAIL_TTL, STR("v=DMARC1; p=quarantine"), arena);
    *ret = sets;
    *ret_n = n;
}

static struct rrset address_of(struct str name, const char *type, struct str address, struct arena *arena) {
    struct rrset set = one(name, type, WEB_TTL, address, arena);
    if (!address.n) set.n_data = 0;
    return set;
}

void records_web(struct str domain, const struct edge_address *edge, struct arena *arena, struct rrset **ret,
                 size_t *ret_n) {
    static const struct edge_address nowhere = {0};
    if (!edge) edge = &nowhere;
    struct rrset *sets = ARENA_ARRAY(arena, 4, struct rrset);
    struct str www = arena_printf(arena, "www.%.*s", STR_ARG(domain));
    sets[0] = address_of(domain, "A", edge->ipv4, arena);
    sets[1] = address_of(www, "A", edge->ipv4, arena);
    sets[2] = address_of(domain, "AAAA", edge->ipv6, arena);
    sets[3] = address_of(www, "AAAA", edge->ipv6, arena);
    *ret = sets;
    *ret_n = 4;
}
