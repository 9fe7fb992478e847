/* summary: how many domains and mailboxes a workspace has, by state. */
#pragma once

#include "core/state.h"
#include "store/db.h"

struct summary {
    int64_t domains[DOMAIN_STATE_END], accounts[ACCOUNT_STATE_END];
    int64_t drifted;   /* domains in use of which the last check found something */
    int64_t suspended; /* mailboxes that are closed until a renewal is paid */
};

/* Reads every domain and mailbox of the workspace. */
MUST_CHECK bool summary_get(struct db *db, struct str workspace_id, struct summary *ret, struct error *reterr);
