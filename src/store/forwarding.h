/*
 * forwarding: where the web traffic of a domain goes, and how a client changes that. A change is written down before
 * anything outside is asked for, as a row of its own and a lease of the domain's set_forwarding step; what `domains`
 * says changes only with the step's end. So whoever ends the step, the client's request or, after a crash, a worker,
 * leaves both sides with the same.
 */
#pragma once

#include "store/audit.h"
#include "store/steps.h"

struct forwarding {
    struct str domain, target; /* target empty: none */
    enum forwarding_mode mode; /* says nothing without a target */
};

/* What a domain of the workspace has; text from ARENA. ERR_NOT_FOUND. */
MUST_CHECK bool forwarding_get(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                               struct forwarding *ret, struct error *reterr);

/* Domains in a row that are forwarded to one another; no visitor is sent through more. */
enum { FORWARDING_HOPS_MAX = 8 };

/* Follows the target through other domains that are forwarded here, as visitors are sent. ERR_UNPROCESSABLE: it leads
 * back to the domain, or through too many. */
MUST_CHECK bool forwarding_leads_on(struct db *db, const struct forwarding *to, struct error *reterr);

struct forwarding_change {
    struct str audit_id; /* UUIDv7 for the audit record */
    struct str workspace_id;
    struct forwarding to;
    struct actor actor;
    int64_t now_ms, lease_until_ms;
};

/*
 * Writes the change down and leases its step to the caller, who acts and calls forwarding_end. *ret_needed is false,
 * and nothing is written, when there is nothing to take away. ERR_NOT_FOUND: not a live domain of the workspace.
 * ERR_CONFLICT: it is still being provisioned, or another change is under way. ERR_UNPROCESSABLE: the target leads back
 * to the domain.
 */
MUST_CHECK bool forwarding_begin(struct db *db, const struct forwarding_change *change, struct arena *arena,
                                 bool *ret_needed, struct step *ret, struct error *reterr);
/*
 * What came of it, as for step_record. STEP_RETRYING: the client is told that nothing changed, so from now on the step
 * works towards what was before.
 */
MUST_CHECK bool forwarding_end(struct db *db, const struct step *step, const struct step_end *end, bool *ret_stale,
                               struct error *reterr);
/* For step_record: a set_forwarding step was done or failed, and was recorded so. */
MUST_CHECK bool forwarding_step_ended(struct db *db, const struct step *step, enum step_state end, int64_t now_ms,
                                      struct error *reterr);
