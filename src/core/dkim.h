/* dkim: how far the change of a domain's DKIM keys is. */
#pragma once

/*
 * A domain's keys are numbered from 1, its rotations. Moves are made in this order, for a rotation after the one
 * before: with DKIM_SOLE of 1 it begins. Of two moves for one domain, the one that is further on counts.
 */
enum dkim_phase {
    DKIM_ANNOUNCED, /* the new key is among the facts; the one before still signs */
    DKIM_SIGNING,   /* the new key signs; the one before is still among the facts, for mail that is in flight */
    DKIM_SOLE,      /* the one before is erased, and no longer among the facts */
    DKIM_PHASE_END
};
extern const char *const dkim_phase_names[DKIM_PHASE_END]; /* "announced", "signing", "sole" */
