#include <sys/eventfd.h>
#include <unistd.h>

#include "http/internal.h"

int event_open(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void event_raise(int event) {
    uint64_t one = 1;
    /* Fails only when the counter is full, and then the thread is awake anyhow. */
    if (write(event, &one, sizeof one) < 0) return;
}

void event_empty(int event) {
    uint64_t count;
    /* Fails only when it is empty already. */
    if (read(event, &count, sizeof count) < 0) return;
}
