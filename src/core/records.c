#include "core/records.h"

/* Mail records change with the provider, which is rare; the forwarding edge may have to move at once. Seconds. */
enum { MAIL_TTL = 3600, WEB_TTL = 300 };

static struct rrset one(struct str name, const char *type, int ttl, struct str data, struct arena *arena) {
    struct str *list = ARENA_NEW(arena, struct str);
    *list = data;
    return (struct rrset){.name = name, .type = type, .ttl = ttl, .data = list, .n_data = 1};
}

void records_mail(struct str domain, const struct mail_facts *facts, struct arena *arena, struct rrset **ret,
                  size_t *ret_n) {
    struct rrset *sets = ARENA_ARRAY(arena, 4, struct rrset);
    /* The final dot makes the host absolute (RFC 1035 section 5.1). */
    struct str mx = arena_printf(arena, "%d %.*s.", facts->mx_preference, STR_ARG(facts->mx_host));
    sets[0] = one(domain, "MX", MAIL_TTL, mx, arena);

    /*
     * Soft fail: with "-all" some receivers reject forwarded mail on SPF alone, before they look at a DKIM signature
     * that would pass DMARC (RFC 7489 section 10.1). The DMARC policy below is what stops forgeries.
     */
    struct str spf = arena_printf(arena, "v=spf1 include:%.*s ~all", STR_ARG(facts->spf_include));
    sets[1] = one(domain, "TXT", MAIL_TTL, spf, arena);

    struct str key = arena_printf(arena, "%.*s._domainkey.%.*s", STR_ARG(facts->dkim_selector), STR_ARG(domain));
    sets[2] = one(key, "TXT", MAIL_TTL, facts->dkim_value, arena);

    struct str policy = arena_printf(arena, "_dmarc.%.*s", STR_ARG(domain));
    sets[3] = one(policy, "TXT", MAIL_TTL, STR("v=DMARC1; p=quarantine"), arena);
    *ret = sets;
    *ret_n = 4;
}

void records_web(struct str domain, struct str address, struct arena *arena, struct rrset **ret, size_t *ret_n) {
    struct rrset *sets = ARENA_ARRAY(arena, 2, struct rrset);
    sets[0] = one(domain, "A", WEB_TTL, address, arena);
    sets[1] = one(arena_printf(arena, "www.%.*s", STR_ARG(domain)), "A", WEB_TTL, address, arena);
    if (!address.n) sets[0].n_data = sets[1].n_data = 0;
    *ret = sets;
    *ret_n = 2;
}
