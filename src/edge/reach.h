/* reach: which of some addresses takes connections. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { REACH_MAX = 8 };

struct reach {
    struct sockaddr_storage to;
    bool is_open; /* the answer */
};

/* Tries to connect to all at once, for up to LIMIT_MS, and hangs up. Ends as soon as the first FIRST are open, or all
 * have answered. At most REACH_MAX. */
void reach_try(struct reach *tries, size_t n, size_t first, int limit_ms);
