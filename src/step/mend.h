/* mend: what a customer may ask for about a domain of his own (store/mend.h), with what it takes outside. */
#pragma once

#include "step/care.h"
#include "store/audit.h"

/* What waits for another try is due now: *ret_n steps; the worker has to be woken. Errors: mend_retry. */
MUST_CHECK bool domain_retry(const struct world *world, struct str workspace_id, struct str domain, struct actor actor,
                             int64_t *ret_n, struct error *reterr);
/* Its records are due to be published again, over what was changed by hand. Errors: mend_repair. */
MUST_CHECK bool domain_repair(const struct world *world, struct str workspace_id, struct str domain, struct actor actor,
                              struct error *reterr);

struct domain_check {
    struct care care;
    struct care_report report;
    bool is_kept; /* false: another check was under way, which is the one that counts */
};

/* Looks at the domain now, as long as its mail host and the DNS take to answer, and keeps what it saw. Errors:
 * mend_begin_check. Everything from ARENA. */
MUST_CHECK bool domain_check(const struct world *world, struct str workspace_id, struct str domain, struct actor actor,
                             struct arena *arena, struct domain_check *ret, struct error *reterr);
