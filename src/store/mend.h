/*
 * mend: what a customer may ask for about a domain of his own: that what waits for another try is tried now, that its
 * records are published again, that it is checked. Each leaves its audit record, in the same transaction.
 */
#pragma once

#include "store/audit.h"
#include "store/care.h"
#include "store/db.h"

struct mend {
    struct str workspace_id, domain; /* A-labels */
    struct str audit_id;
    struct actor actor;
    int64_t now_ms;
};

/*
 * For all three: the newest domain of that name in the workspace. ERR_NOT_FOUND: it has none. ERR_CONFLICT says what is
 * in the way.
 */

/* The domain's steps that wait for another try are due now, *ret_n of them. What a worker is at, or what waits for
 * another step, is left alone. ERR_CONFLICT: none waits for a try. */
MUST_CHECK bool mend_retry(struct db *db, const struct mend *mend, int64_t *ret_n, struct error *reterr);
/* zone_parts_repair; ERR_CONFLICT, too, while the records are being published. */
MUST_CHECK bool mend_repair(struct db *db, const struct mend *mend, struct error *reterr);
/* care_claim_check: leases the domain for a check. ERR_CONFLICT: it is not in use. Text from ARENA. */
MUST_CHECK bool mend_begin_check(struct db *db, const struct mend *mend, int64_t lease_until_ms, struct arena *arena,
                                 struct care *ret, bool *ret_held, struct error *reterr);
