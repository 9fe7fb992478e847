/* cancel: ends accounts for a client who waits. What is left to do outside is a step that becomes due. */
#pragma once

#include "step/world.h"
#include "store/cancel.h"

/* As cancel_accounts of store/cancel.h, with the world's time and ids. */
MUST_CHECK bool cancel_run(const struct world *world, struct str workspace_id, const struct str *emails, size_t n,
                           struct actor actor, struct arena *arena, struct account_row **ret, size_t *ret_n,
                           struct error *reterr);
