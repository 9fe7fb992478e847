/*
 * forward: changes where a domain's web traffic goes, while the client waits. The intent is durable before anything
 * outside is asked for; a crash in between leaves a leased step, which a worker ends.
 */
#pragma once

#include "step/world.h"
#include "store/forwarding.h"

/*
 * Applies TO (an empty target takes the forwarding away). True: it is so, outside and here. ERR_NOT_FOUND,
 * ERR_CONFLICT and ERR_UNPROCESSABLE as in store/forwarding.h. ERR_UPSTREAM: refused, or no clear answer; the old one
 * stays, and what may have been done is taken back by a worker. ERR_UPSTREAM also when the store fails after the
 * intent: a worker finishes the change. ERR_UNAVAILABLE: the store fails, nothing was done. Text from ARENA.
 */
MUST_CHECK bool forward_change(const struct world *world, struct str workspace_id, const struct forwarding *to,
                               struct actor actor, struct arena *arena, struct error *reterr);
