/*
 * zone: keeps a part of a domain's zone as it is wanted, whatever was lost on the way, and leaves alone what somebody
 * changed by hand (core/zone.h). What is about to be published is durable first, so that after a crash or a lost answer
 * nothing of dfyd's own looks like somebody else's.
 */
#pragma once

#include "core/order.h"
#include "core/zone.h"
#include "driver/outcome.h"
#include "step/world.h"

struct zone_job {
    struct str domain_id, domain;
    enum zone_part part;
    enum provider provider; /* of the mail part: whose mail host says what is wanted */
    bool forwards;          /* of the web part: there are to be addresses */
    bool is_in_use;         /* the domain is; no mail that is refused then ends it */
    /* Somebody asked for it and waits: a resolver, which may have to forget what was there, need not see it yet. */
    bool is_change;
    /* Whether HOLDER may still change the zone; asked in the transaction that begins the change. NULL: it may. */
    bool (*is_held)(struct db *db, const void *holder, bool *ret, struct error *reterr);
    const void *holder;
};

/* What JOB wants now, the mail host asked. Text from ARENA. */
enum outcome zone_wanted(const struct world *world, const struct zone_job *job, struct arena *arena, struct rrsets *ret,
                         struct answer *answer);
/*
 * Looks at what is served and changes what differs. DONE: the part is served as it is wanted, and a resolver sees it.
 * REFUSED: the DNS host does not take it; only of a change, or of what was never published before: what is in use is
 * not given up. UNKNOWN: no clear answer; or not seen yet; or a person has to decide, and the reason says what about
 * and which command does it. Repeat freely, from several threads too.
 */
enum outcome zone_sync(const struct world *world, const struct zone_job *job, struct arena *arena,
                       struct answer *answer);

enum zone_state {
    ZONE_STATE_OK,        /* served and seen as it is wanted */
    ZONE_STATE_MISSING,   /* not served, or not seen */
    ZONE_STATE_DIFFERENT, /* served or seen otherwise, and dfyd will change it, or a cache will forget it */
    ZONE_STATE_BY_HAND,   /* somebody else changed it: it stays so until `dfyd domain repair` */
    ZONE_STATE_UNKNOWN,   /* no answer */
    ZONE_STATE_END
};
extern const char *const zone_state_names[ZONE_STATE_END]; /* "ok", "missing", "different", "by_hand", "unknown" */

struct zone_report_line {
    struct rrset wanted, served, seen; /* without data: none, or not known */
    bool is_served_known, is_seen_known;
    enum zone_state state;
    struct str reason; /* for people; empty when it is ok */
};

struct zone_report {
    struct zone_report_line *lines; /* one for each name and type that is wanted, was published, or is in the way */
    size_t n;
    size_t n_not_ok;
    struct str reason; /* why nothing can be said of the part; empty when something can */
};

/* Asks only: what JOB wants, what the DNS host serves of it, and what a resolver sees. ERR_UNAVAILABLE: the store. */
MUST_CHECK bool zone_look(const struct world *world, const struct zone_job *job, struct arena *arena,
                          struct zone_report *ret, struct error *reterr);
