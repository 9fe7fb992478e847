/*
 * records: the DNS records of a mail domain, as values (RFC 1035, SPF RFC 7208, DKIM RFC 6376, DMARC RFC 7489).
 * Pure. A driver publishes them as they are.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct rrset {
    struct str name;  /* absolute, lower case, no final dot */
    const char *type; /* "MX", "TXT", "A" */
    int ttl;          /* seconds */
    struct str *data; /* one presentation-form value each, TXT without quotes */
    size_t n_data;
};

/* What a mailbox provider wants published for a domain. */
struct mail_facts {
    struct str mx_host; /* "mx.sandbox.test" */
    int mx_preference;
    struct str spf_include;   /* "_spf.sandbox.test" */
    struct str dkim_selector; /* "dfy1" */
    struct str dkim_value;    /* "v=DKIM1; k=ed25519; p=..." */
};

/* MX, SPF, DKIM and DMARC (p=quarantine) of DOMAIN, from ARENA. */
void records_mail(struct str domain, const struct mail_facts *facts, struct arena *arena, struct rrset **ret,
                  size_t *ret_n);
/* A of the domain and of www, pointing at the forwarding edge's IPv4 ADDRESS; without data when that is empty. */
void records_web(struct str domain, struct str address, struct arena *arena, struct rrset **ret, size_t *ret_n);
