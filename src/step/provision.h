/*
 * provision: walks placed domains through their steps: register, publish, mailboxes, forwarding. Every step looks
 * first and acts second, so it is safe to repeat after a crash at any point.
 */
#pragma once

#include "driver/outcome.h"
#include "step/world.h"
#include "store/steps.h"

/* Leases up to MAX due steps; text from ARENA. */
MUST_CHECK bool provision_claim(const struct world *world, size_t max, struct arena *arena, struct step **ret,
                                size_t *ret_n, struct error *reterr);
/*
 * Before a leased step is run that waited for others of its batch: what is left of its lease may not last for it, and
 * is made longer then. *ret_held: whether it is to be run; somebody else may have it by now.
 */
MUST_CHECK bool provision_keep(const struct world *world, struct step *step, bool *ret_held, struct error *reterr);
/* Ends the leases of steps that were claimed and not begun, so that others need not wait for their end. */
MUST_CHECK bool provision_give_back(const struct world *world, struct step *steps, size_t n, struct error *reterr);
/* Does what a leased step is for, and records nothing: looks first, acts second. */
enum outcome provision_act(const struct world *world, const struct step *step, struct arena *arena,
                           struct answer *answer);
/* Runs a leased step against its driver and records the end. Only a failing store is an error: the lease then runs out
 * and the step comes again. */
MUST_CHECK bool provision_run(const struct world *world, const struct step *step, struct error *reterr);
