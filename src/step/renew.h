/*
 * renew: charges for what is to be renewed. Collects what is due into one renewal a workspace and day, charges each
 * under a key that is durable before, and records how it ended. A charge without a clear answer, or that was under way
 * when dfyd was interrupted, is asked about and closed before anything else.
 */
#pragma once

#include "step/world.h"

/*
 * Collects, and takes on, up to MAX renewals that are due. *ret_n: how many there were. Only a failing store is an
 * error; a silent payment provider is logged and asked again later.
 */
MUST_CHECK bool renew_due(const struct world *world, size_t max, size_t *ret_n, struct error *reterr);
