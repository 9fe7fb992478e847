/* swap: takes another name in place of a domain that could not be registered. */
#pragma once

#include "step/world.h"
#include "store/swap.h"

/*
 * Swaps what PLAN (of swap_look) says for NAME, which was judged. ERR_CONFLICT: the world changed, so that the plan and
 * the judgement have to be made anew; nothing was done. On success the plan has the new name.
 */
MUST_CHECK bool swap_domain(const struct world *world, struct swap_plan *plan, struct str name, struct actor actor,
                            struct arena *arena, struct error *reterr);
