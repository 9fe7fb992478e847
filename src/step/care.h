/*
 * care: looks after domains in use. Checks them: what is wanted, what the DNS host serves, what a resolver sees, and
 * whether each mailbox works; a check changes nothing. And changes their DKIM keys from time to time, so that whatever
 * is signed can be verified, through crashes and lost answers: a key signs once a resolver sees its record, and its
 * record stays until nothing that it signed can be in flight.
 */
#pragma once

#include "step/world.h"
#include "step/zone.h"
#include "store/care.h"

/*
 * Works on up to MAX domains for which something is due. *ret_n: how many there were. Only a failing store is an error;
 * what is outside is recorded, logged and tried again.
 */
MUST_CHECK bool care_due(const struct world *world, size_t max, size_t *ret_n, struct error *reterr);

struct care_mailbox_seen {
    struct str email;
    enum outcome outcome; /* of mailbox_verify */
    struct str reason;    /* empty when it works */
};

/* What a domain looks like. */
struct care_report {
    struct zone_report parts[ZONE_PART_END]; /* empty for a part that dfyd does not publish */
    struct care_mailbox_seen *mailboxes;
    size_t n_mailboxes;
    struct finding *findings; /* what is wrong, and what gave no clear answer */
    size_t n_findings;
    bool is_unclear;           /* something gave no clear answer */
    struct str unclear_reason; /* the first of that */
};

/*
 * Looks at the domain of CARE. While its lease is held it is made longer as needed, so that many mailboxes may take
 * long. Everything from ARENA, the texts that CARE borrows too.
 */
MUST_CHECK bool care_look(const struct world *world, struct care *care, struct arena *arena, struct care_report *ret,
                          struct error *reterr);
/* Records what care_look saw, for the holder of CARE's lease; *ret_stale: it was lost, and nothing is recorded. */
MUST_CHECK bool care_keep(const struct world *world, const struct care *care, const struct care_report *report,
                          bool *ret_stale, struct error *reterr);
