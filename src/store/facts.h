/* facts: what the database knows of the domains of an order that is being checked. */
#pragma once

#include "core/check.h"
#include "store/db.h"

/*
 * Fills FACTS (one an item) for the items that check_needs_facts, in a fixed number of queries whatever the number of
 * items. Text from ARENA.
 */
MUST_CHECK bool facts_gather(struct db *db, const struct check *check, struct str workspace_id, struct arena *arena,
                             struct domain_facts *facts, struct error *reterr);
/*
 * Whether each of N names (A-labels, in any order, repeats allowed) is sold here or in stock, so that it cannot be
 * ordered anew; in one query.
 */
MUST_CHECK bool facts_sold(struct db *db, const struct str *names, size_t n, struct arena *arena, bool *ret_sold,
                           struct error *reterr);
