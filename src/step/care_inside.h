/* care_inside: what the files of the care share; nobody else includes it. */
#pragma once

#include "step/care.h"

/* What is due when, by the world's settings, now. */
struct care_times care_times_of(const struct world *world);
/* That a part of the domain's zone is as it is wanted; for the holder of CARE's lease. */
struct zone_job care_zone_job(const struct care *care, enum zone_part part);
/* Makes the move of keys that CARE was claimed for, and records how it ended. */
MUST_CHECK bool care_move(const struct world *world, const struct care *care, struct error *reterr);
