/* hourly: throws away what has been kept for long enough. Each node does it, and several at once do no harm: what one
 * has removed the others do not find. */
#pragma once

#include "store/store.h"

/* NOW_MS: the time by the world's clock. Logs what cannot be done now; it is tried again the next time. */
void hourly_run(struct store *store, int64_t now_ms);
