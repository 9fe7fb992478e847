/* backoff: how long to wait before trying again. Pure. */
#pragma once

#include <stdint.h>

/*
 * Milliseconds before the next try after ATTEMPTS failed ones (>= 1): BASE_MS doubled each time, at most MAX_MS,
 * spread by up to a quarter downwards with SPREAD (any random number), so that many do not return at once.
 */
int64_t backoff_ms(int64_t attempts, int64_t base_ms, int64_t max_ms, uint32_t spread);
