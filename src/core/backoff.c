#include "core/backoff.h"

int64_t backoff_ms(int64_t attempts, int64_t base_ms, int64_t max_ms, uint32_t spread) {
    int64_t wait = base_ms;
    for (int64_t i = 1; i < attempts && wait < max_ms; i++)
        wait = wait > max_ms / 2 ? max_ms : wait * 2; /* doubling must not overflow */
    if (wait > max_ms) wait = max_ms;
    if (wait < 0) wait = 0;
    /* quarter * spread / 2^32, in two halves so that it fits 64 bits. */
    uint64_t quarter = (uint64_t)wait / 4;
    uint64_t less = (quarter >> 32) * spread + ((quarter & UINT32_MAX) * spread >> 32);
    return wait - (int64_t)less;
}
