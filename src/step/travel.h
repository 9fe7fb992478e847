/*
 * travel: takes the sandbox's clock to where `dfyd clock advance` wants it, one stop a call. The caller sees to it that
 * nothing is worked on meanwhile: a jump while somebody holds a lease would end the lease.
 *
 * On a shared database every node stands still first and says so (store/nodes.h); whoever sees then that all do moves
 * the clock, for all. The others find it moved, and take the new time over before they work on.
 */
#pragma once

#include "step/world.h"

enum travel {
    TRAVEL_THERE, /* nowhere to go */
    TRAVEL_HELD,  /* something that is due now has to end first */
    TRAVEL_MOVED, /* at the next stop: what is due has changed */
    TRAVEL_WAITS, /* other nodes do not stand still yet */
};

/* Whether there is a way to go. Changes nothing. */
MUST_CHECK bool travel_is_wanted(const struct world *world, bool *ret, struct error *reterr);
/* What a node of a shared database sees of the clock. */
struct travel_view {
    bool was_moved; /* by another node: this one's went after it */
    bool is_wanted; /* there is a way to go; only then the rest is looked at */
    bool is_held;   /* something that is due now has to end first */
    bool is_busy;   /* other nodes do not stand still */
    int64_t ahead_ms;
};

/* Looks, and takes over the time that another node has moved the clock to. Nothing may be worked on meanwhile if it
 * has, but for a look that MAY_MOVE is false for: then was_moved only says so. */
MUST_CHECK bool travel_look(const struct world *world, bool may_move, struct travel_view *ret, struct error *reterr);
/*
 * Moves the clock to the next moment at which money is due, or to its target; durable before anybody sees the new
 * time. In a world whose clock may not be moved the target is taken back, and that is logged.
 */
MUST_CHECK bool travel_on(const struct world *world, enum travel *ret, struct error *reterr);
