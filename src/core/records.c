#include "core/records.h"

#include <arpa/inet.h>

#include "base/buf.h"

/* Mail records change with the provider, which is rare; the forwarding edge may have to move at once. Seconds. */
enum { MAIL_TTL = 3600, WEB_TTL = 300, AUTODISCOVER_PORT = 443, URI_MAX_BYTES = 1024 };
/* The most RRsets that mail has but for DKIM: each `put` below counts as one, each `put_at_edge` as two. */
enum { BESIDE_DKIM_MAX = 17 };

const char *const zone_part_names[ZONE_PART_END] = {[ZONE_MAIL] = "mail", [ZONE_WEB] = "web"};

/* Records of a domain as they come together. */
struct sheet {
    struct str domain;
    struct arena *arena;
    struct rrset *sets;
    size_t n;
};

static struct rrset one(struct str name, const char *type, int ttl, struct str data, struct arena *arena) {
    struct str *list = ARENA_NEW(arena, struct str);
    *list = data;
    return (struct rrset){.name = name, .type = type, .ttl = ttl, .data = list, .n_data = 1};
}

/* The name LABEL under the domain; the domain itself when LABEL is NULL. */
static void put(struct sheet *sheet, const char *label, const char *type, int ttl, struct str data) {
    struct str name = label ? arena_printf(sheet->arena, "%s.%.*s", label, STR_ARG(sheet->domain))
                            : arena_str(sheet->arena, sheet->domain);
    sheet->sets[sheet->n++] = one(name, type, ttl, data, sheet->arena);
}

/* ---- who takes the mail, and who may send and sign it ---- */

/*
 * As it stands in a mailto: URI. All but what never needs it is escaped (RFC 6068 section 2); in a list of report
 * addresses "," and "!" would mean something else (RFC 7489 section 6.2).
 */
static struct str mailto(struct str address, struct arena *arena) {
    struct buf out;
    buf_init(&out, URI_MAX_BYTES);
    BUF_LIT(&out, "mailto:");
    for (size_t i = 0; i < address.n; i++) {
        char c = address.p[i];
        bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~@+", c));
        if (is_plain)
            buf_add_byte(&out, c);
        else
            buf_printf(&out, "%%%02X", (unsigned)(unsigned char)c);
    }
    struct str text = buf_ok(&out) ? arena_str(arena, buf_str(&out)) : STR("");
    buf_finish(&out);
    return text;
}

/* Both alignments stay relaxed, which is the default (RFC 7489 section 6.3), and subdomains have the same policy. */
static void put_policies(struct sheet *sheet, struct str reports) {
    struct str uri = reports.n ? mailto(reports, sheet->arena) : STR("");
    struct str dmarc = STR("v=DMARC1; p=quarantine");
    if (uri.n) dmarc = arena_printf(sheet->arena, "v=DMARC1; p=quarantine; rua=%.*s", STR_ARG(uri));
    put(sheet, "_dmarc", "TXT", MAIL_TTL, dmarc);
    /* RFC 8460 section 3 */
    if (uri.n)
        put(sheet, "_smtp._tls", "TXT", MAIL_TTL, arena_printf(sheet->arena, "v=TLSRPTv1; rua=%.*s", STR_ARG(uri)));
}

static void put_mail(struct sheet *sheet, const struct mail_facts *facts) {
    struct arena *arena = sheet->arena;
    /* The final dot makes the host absolute (RFC 1035 section 5.1). */
    put(sheet, NULL, "MX", MAIL_TTL, arena_printf(arena, "%d %.*s.", facts->mx_preference, STR_ARG(facts->mx_host)));
    /*
     * Soft fail: with "-all" some receivers reject forwarded mail on SPF alone, before they look at a DKIM signature
     * that would pass DMARC (RFC 7489 section 10.1). The DMARC policy below is what stops forgeries.
     */
    put(sheet, NULL, "TXT", MAIL_TTL, arena_printf(arena, "v=spf1 %.*s ~all", STR_ARG(facts->spf_term)));
    for (size_t i = 0; i < facts->n_dkim; i++) {
        struct str label = arena_printf(arena, "%.*s._domainkey", STR_ARG(facts->dkim[i].selector));
        put(sheet, arena_cstr(arena, label), "TXT", MAIL_TTL, facts->dkim[i].value);
    }
    put_policies(sheet, facts->reports);
}

/* ---- names at the edge ---- */

/* As name servers write it (RFC 5952), so that it can be compared with what they say. */
static struct str canonical(int family, struct str address, struct arena *arena) {
    unsigned char bytes[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(family, arena_cstr(arena, address), bytes) != 1 || !inet_ntop(family, bytes, text, sizeof text))
        return address;
    return arena_str(arena, str_of(text));
}

static bool is_somewhere(const struct edge_address *edge) {
    return edge && (edge->ipv4.n || edge->ipv6.n);
}

static void put_at_edge(struct sheet *sheet, const char *label, const struct edge_address *edge) {
    if (edge->ipv4.n) put(sheet, label, "A", WEB_TTL, canonical(AF_INET, edge->ipv4, sheet->arena));
    if (edge->ipv6.n) put(sheet, label, "AAAA", WEB_TTL, canonical(AF_INET6, edge->ipv6, sheet->arena));
}

/* Without an edge nobody could fetch the policy that the record promises (RFC 8461 section 3.1). */
static void put_mta_sts(struct sheet *sheet, struct str id, const struct edge_address *edge) {
    if (!id.n || !is_somewhere(edge)) return;
    put(sheet, "_mta-sts", "TXT", MAIL_TTL, arena_printf(sheet->arena, "v=STSv1; id=%.*s", STR_ARG(id)));
    put_at_edge(sheet, "mta-sts", edge);
}

/* ---- what mail programs look for ---- */

/* The root as target says that there is no such service (RFC 6186 section 3.4). */
static void put_service(struct sheet *sheet, const char *label, const struct mail_service *service) {
    struct str data = STR("0 0 0 .");
    if (service->host.n) data = arena_printf(sheet->arena, "0 1 %d %.*s.", service->port, STR_ARG(service->host));
    put(sheet, label, "SRV", MAIL_TTL, data);
}

/*
 * TLS from the first byte is what is offered (RFC 8314 section 5.1). Of _submission nothing is said: "there is none"
 * would turn those away who know STARTTLS alone and could use the mail host's port 587.
 */
static void put_services(struct sheet *sheet, const struct mail_facts *facts, const struct edge_address *edge) {
    static const struct mail_service none = {0};
    if (!facts->imap.host.n && !facts->submission.host.n) return;
    put_service(sheet, "_imaps._tcp", &facts->imap);
    put_service(sheet, "_submissions._tcp", &facts->submission);
    put_service(sheet, "_imap._tcp", &none);
    put_service(sheet, "_pop3._tcp", &none);
    put_service(sheet, "_pop3s._tcp", &none);
    if (!is_somewhere(edge)) return;
    put_at_edge(sheet, "autoconfig", edge);
    put_at_edge(sheet, "autodiscover", edge);
    put(sheet, "_autodiscover._tcp", "SRV", MAIL_TTL,
        arena_printf(sheet->arena, "0 1 %d autodiscover.%.*s.", AUTODISCOVER_PORT, STR_ARG(sheet->domain)));
}

void records_mail(struct str domain, const struct mail_facts *facts, const struct edge_address *edge,
                  struct arena *arena, struct rrset **ret, size_t *ret_n) {
    struct sheet sheet = {.domain = domain, .arena = arena};
    sheet.sets = ARENA_ARRAY(arena, BESIDE_DKIM_MAX + facts->n_dkim, struct rrset);
    put_mail(&sheet, facts);
    put_mta_sts(&sheet, facts->mta_sts_id, edge);
    put_services(&sheet, facts, edge);
    *ret = sheet.sets;
    *ret_n = sheet.n;
}

/* ---- the web ---- */

static struct rrset address_of(struct str name, const char *type, int family, struct str address, struct arena *arena) {
    struct rrset set = one(name, type, WEB_TTL, canonical(family, address, arena), arena);
    if (!address.n) set.n_data = 0;
    return set;
}

void records_web(struct str domain, const struct edge_address *edge, struct arena *arena, struct rrset **ret,
                 size_t *ret_n) {
    static const struct edge_address nowhere = {0};
    if (!edge) edge = &nowhere;
    struct rrset *sets = ARENA_ARRAY(arena, 4, struct rrset);
    struct str www = arena_printf(arena, "www.%.*s", STR_ARG(domain));
    sets[0] = address_of(domain, "A", AF_INET, edge->ipv4, arena);
    sets[1] = address_of(www, "A", AF_INET, edge->ipv4, arena);
    sets[2] = address_of(domain, "AAAA", AF_INET6, edge->ipv6, arena);
    sets[3] = address_of(www, "AAAA", AF_INET6, edge->ipv6, arena);
    *ret = sets;
    *ret_n = 4;
}
