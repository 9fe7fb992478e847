/*
 * records: the DNS records of a mail domain, as values (RFC 1035, SPF RFC 7208, DKIM RFC 6376, DMARC RFC 7489, TLS
 * reports RFC 8460, MTA-STS RFC 8461, services RFC 6186 and 8314). Pure. A driver publishes them as they are.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct rrset {
    struct str name;  /* absolute, lower case, no final dot */
    const char *type; /* "MX", "TXT", "A", "AAAA", "CNAME", "SRV" */
    int ttl;          /* seconds */
    /* One presentation-form value each, in any order: host names absolute with a final dot, TXT as one text without
     * quotes, however many strings it takes on the wire. */
    struct str *data;
    size_t n_data;
};

struct dkim_record {
    struct str selector; /* "dfy1" */
    struct str value;    /* "v=DKIM1; k=ed25519; p=..." */
};

/* Where a mail program finds a service (RFC 6186, RFC 8314). */
struct mail_service {
    struct str host; /* empty: there is none */
    int port;
};

/* What a mailbox provider wants published for a domain. */
struct mail_facts {
    struct str mx_host; /* "mx.sandbox.test" */
    int mx_preference;
    struct str spf_term; /* what allows its servers to send: "include:_spf.sandbox.test" */
    struct dkim_record *dkim;
    size_t n_dkim;
    struct str reports;    /* mail address that DMARC and TLS reports go to; empty: none are asked for */
    struct str mta_sts_id; /* of the policy that the edge serves (RFC 8461), letters and digits; empty: no policy */
    struct mail_service imap, submission; /* both TLS from the first byte */
};

/* Where the forwarding edge is. */
struct edge_address {
    struct str ipv4, ipv6; /* either may be empty */
};

/* The records of a domain are published in two parts, each by its own step. */
enum zone_part { ZONE_MAIL, ZONE_WEB, ZONE_PART_END };
extern const char *const zone_part_names[ZONE_PART_END]; /* "mail", "web" */

/*
 * MX, SPF, DKIM and DMARC (p=quarantine) of DOMAIN, from ARENA; TLS-RPT, MTA-STS, and what mail programs look for,
 * where the facts say so: mta-sts, autoconfig and autodiscover are names at the EDGE, which may be NULL; then there are
 * none of them. Reports to an address in another domain are sent only when that allows it (RFC 7489 section 7.1): what
 * its zone needs is in docs/dns.md.
 */
void records_mail(struct str domain, const struct mail_facts *facts, const struct edge_address *edge,
                  struct arena *arena, struct rrset **ret, size_t *ret_n);
/* A and AAAA of the domain and of www, pointing at the forwarding edge; all without data when EDGE is NULL. */
void records_web(struct str domain, const struct edge_address *edge, struct arena *arena, struct rrset **ret,
                 size_t *ret_n);
