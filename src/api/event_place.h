/*
 * event_place: how far a client has read the events, as text that it gives back to go on from there, on whatever node.
 * Sealed, so that nobody can count the events of all by it.
 */
#pragma once

#include "step/world.h"

/* All events numbered up to AFTER were read. From ARENA; letters, digits, '-' and '_'. */
struct str event_place_write(const struct world *world, int64_t after, struct arena *arena);
/* False: no place was written so here. */
bool event_place_read(const struct world *world, struct str text, struct arena *arena, int64_t *ret_after);
