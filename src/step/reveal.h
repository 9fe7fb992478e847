/* reveal: shows a mailbox's password to who may see it, and writes down that it did. */
#pragma once

#include "step/world.h"
#include "store/audit.h"

struct reveal {
    struct str email;    /* asked for, in any case; answered as stored */
    struct str password; /* answered */
};

/*
 * The password of WORKSPACE_ID's mailbox, with its audit record in one transaction. ERR_NOT_FOUND; ERR_CONFLICT: it
 * does not work (yet, or any more), so there is none to use. Text from ARENA.
 */
MUST_CHECK bool reveal_password(const struct world *world, struct str workspace_id, struct reveal *reveal,
                                struct actor actor, struct arena *arena, struct error *reterr);
