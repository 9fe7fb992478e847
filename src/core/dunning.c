#include "core/dunning.h"

#include <stddef.h>

#include "core/calendar.h"

/* Days from each failed try to what comes next: 1, 3, 7, 14 and 21 days after the first one. */
static const int64_t days[DUNNING_TRIES] = {1, 2, 4, 7, 7};

bool dunning_suspends(int64_t failed) {
    return failed >= DUNNING_SUSPENDING;
}

struct dunning dunning_after(int64_t failed, int64_t now_ms) {
    size_t at = failed < 1 ? 0 : failed > DUNNING_TRIES ? DUNNING_TRIES - 1 : (size_t)failed - 1;
    return (struct dunning){
        .next_ms = now_ms + days[at] * CALENDAR_DAY_MS,
        .is_suspended = dunning_suspends(failed),
        .cancels = failed >= DUNNING_TRIES,
    };
}
