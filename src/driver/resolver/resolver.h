/*
 * resolver: what the world sees in the DNS (RFC 1034 section 5), asked of a resolver, never of the server that was
 * told. Safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "core/records.h"
#include "driver/outcome.h"

struct resolver;
struct sandbox_book;

struct resolver_ops {
    const char *name;
    bool is_sandbox; /* only pretends */
    /*
     * The RRset of NAME and TYPE ("A", "AAAA", "MX", "TXT", "CNAME", "SRV", "NS") in the form of struct rrset, its TTL
     * as it came; aliases are followed. DONE with data: there it is. DONE without: there is none (NXDOMAIN or no data).
     * UNKNOWN: no answer, SERVFAIL, a broken one. Never REFUSED. Text from ARENA. Mandatory.
     */
    enum outcome (*ask)(struct resolver *, struct str name, const char *type, struct arena *, struct rrset *ret,
                        struct answer *);
    /* Frees the driver. NULL if nothing is held. */
    void (*destroy)(struct resolver *);
};

struct resolver {
    const struct resolver_ops *ops;
};

/* Sees what the sandbox's DNS host publishes, as if the world could. */
struct resolver *resolver_sandbox_create(struct sandbox_book *book);

enum outcome resolver_ask(struct resolver *r, struct str name, const char *type, struct arena *arena, struct rrset *ret,
                          struct answer *answer);
/* NULL is fine. */
void resolver_destroy(struct resolver *r);
