/* minutely: what a node writes down of each minute: how long the queue was, and how the drivers answered
 * (store/minutes.h).
 */
#pragma once

#include "step/world.h"

/* Once a minute is over, or with IS_LAST at once: what was counted in it. What cannot be written is kept for the next
 * time. *minute_ms: the minute that was seen last, 0 at first. Called about once a second; waits for the database for a
 * second or so at most. */
void minutely_run(const struct world *world, bool is_last, int64_t *minute_ms);
