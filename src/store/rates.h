/*
 * rates: the windows of rate limits that the nodes of a shared database keep together (core/share.h). PostgreSQL alone.
 */
#pragma once

#include "core/share.h"
#include "store/db.h"

enum { RATES_AT_ONCE = 2 * LIMIT_WINDOWS };

struct rate_question {
    struct str kind; /* which of the workspace's windows; without spaces */
    struct share_question asks;
};

/*
 * Asks N (up to RATES_AT_ONCE) windows of a workspace, which all nodes ask in the same order; *ret has as many. Within
 * store_tally.
 */
MUST_CHECK bool rates_take(struct db *db, struct str workspace_id, const struct rate_question *questions, size_t n,
                           struct share_answer *ret, struct error *reterr);
