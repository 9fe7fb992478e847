/* zones: somebody who changes DNS records by hand, and what must then be true of them. */
#pragma once

#include "step/zone.h"
#include "store/lists.h"

struct run;

enum { HANDS_MAX = 64 };

/* A value that somebody put into a zone, and that dfyd never wanted there. */
struct hand {
    struct str zone, name, value;
    const char *type;
    bool is_harmless; /* beside dfyd's own it does nothing, and stays whatever dfyd is told */
    bool is_allowed;  /* dfyd may change it back since then */
};

/* A record is changed, put there or taken away by hand. */
void zones_change_by_hand(struct run *run);
/* An operator has a domain repaired; ALL: every one that was changed by hand since its last repair. */
void zones_repair(struct run *run, bool all);
/* A customer has the domain that has name number AT repaired. */
MUST_CHECK bool zones_repair_own(struct run *run, struct str workspace_id, size_t at, struct error *reterr);
/* What was changed by hand is as it was left, unless dfyd was told to change it back. */
void zones_check_hands(struct run *run);
/* A live domain's part serves exactly what dfyd says of it, which is what JOB wants. */
MUST_CHECK bool zones_check_part(struct db *db, struct run *run, const struct domain_row *domain,
                                 const struct zone_job *job, struct error *reterr);
