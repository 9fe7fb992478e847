/* The sandbox's resolver: sees each zone of the sandbox's DNS host. */
#include "driver/resolver/resolver.h"

#include <stdlib.h>

#include "driver/dns/dns.h"
#include "driver/sandbox_inside.h"

struct sandbox {
    struct resolver base;
    struct sandbox_book *book;
    struct dns *dns;
};

/* The longest zone that NAME is in: what stands after one of its dots. */
static struct str zone_of(struct sandbox_book *book, struct str name) {
    struct str zone = name;
    notebook_begin(book->notebook);
    while (zone.n && !notebook_run(book->notebook, "SELECT 1 FROM zones WHERE zone = $1", NOTEBOOK_TEXT(zone))) {
        size_t i = 0;
        while (i < zone.n && zone.p[i] != '.') i++;
        i = i < zone.n ? i + 1 : i;
        zone = (struct str){zone.p + i, zone.n - i};
    }
    return notebook_commit(book->notebook, NULL) ? zone : STR("");
}

static enum outcome ask(struct resolver *r, struct str name, const char *type, struct arena *arena, struct rrset *ret,
                        struct answer *answer) {
    struct sandbox *sandbox = (struct sandbox *)r;
    *ret = (struct rrset){.name = name, .type = type};
    struct str zone = zone_of(sandbox->book, name);
    if (!zone.n) return OUTCOME_DONE;
    struct dns_zone seen;
    enum outcome outcome = dns_fetch(sandbox->dns, zone, ret, 1, arena, &seen, answer);
    if (outcome == OUTCOME_DONE) *ret = seen.served.sets[0];
    return outcome;
}

static void destroy(struct resolver *r) {
    dns_destroy(((struct sandbox *)r)->dns);
    free(r);
}

static const struct resolver_ops ops = {.name = "sandbox", .is_sandbox = true, .ask = ask, .destroy = destroy};

struct resolver *resolver_sandbox_create(struct sandbox_book *book) {
    struct sandbox *sandbox = sandbox_driver_alloc(sizeof *sandbox);
    *sandbox = (struct sandbox){.base = {.ops = &ops}, .book = book, .dns = dns_sandbox_create(book)};
    return &sandbox->base;
}
