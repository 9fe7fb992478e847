/*
 * travel: takes the sandbox's clock to where `dfyd clock advance` wants it, one stop a call. The caller sees to it that
 * nothing is worked on meanwhile: a jump while somebody holds a lease would end the lease.
 */
#pragma once

#include "step/world.h"

enum travel {
    TRAVEL_THERE, /* nowhere to go */
    TRAVEL_HELD,  /* something that is due now has to end first */
    TRAVEL_MOVED, /* at the next stop: what is due has changed */
};

/* Whether there is a way to go. Changes nothing. */
MUST_CHECK bool travel_is_wanted(const struct world *world, bool *ret, struct error *reterr);
/*
 * Moves the clock to the next moment at which money is due, or to its target; durable before anybody sees the new
 * time. In a world whose clock may not be moved the target is taken back, and that is logged.
 */
MUST_CHECK bool travel_on(const struct world *world, enum travel *ret, struct error *reterr);
