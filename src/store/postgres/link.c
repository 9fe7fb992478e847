#include "store/postgres/link.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "store/engine.h"

/* The events that came; 0: UNTIL did. */
static short wait_for(PGconn *conn, short events, int64_t until) {
    struct pollfd fd = {.fd = PQsocket(conn), .events = events};
    for (;;) {
        int64_t left = until - clock_steady_ms();
        if (left < 0) left = 0;
        int n = poll(&fd, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0) return fd.revents;
        if (n == 0 || errno != EINTR) return 0;
    }
}

static bool connect_to(const struct target *target, size_t host, int64_t until, PGconn **ret, bool *ret_full,
                       struct error *reterr) {
    PGconn *conn = target_begin(target, host);
    if (!conn) store_die("store", "out of memory");
    int64_t own = clock_steady_ms() + target_connect_ms(target);
    if (own > until) own = until;
    PostgresPollingStatusType status = PQstatus(conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    bool in_time = true;
    while (in_time && status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        in_time = wait_for(conn, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, own) != 0;
        if (in_time) status = PQconnectPoll(conn);
    }
    if (status == PGRES_POLLING_OK && !PQsetnonblocking(conn, 1)) {
        *ret = conn;
        return true;
    }
    if (in_time) {
        *ret_full = errors_is_full(conn);
        errors_away(PQerrorMessage(conn), PQpass(conn), reterr);
    } else {
        error_set(reterr, ERR_UNAVAILABLE, "the database is away (%s does not answer)", PQhost(conn));
    }
    PQfinish(conn);
    return false;
}

bool link_open(const struct target *target, int64_t until, size_t *host, PGconn **ret, bool *ret_full,
               struct error *reterr) {
    size_t n = target_hosts(target), first = *host;
    bool full = false;
    error_set(reterr, ERR_UNAVAILABLE, "the database is away (there was no time left to connect)");
    for (size_t i = 0; i < n && clock_steady_ms() < until; i++) {
        *host = (first + i) % n;
        if (connect_to(target, *host, until, ret, &full, reterr)) return true;
    }
    if (ret_full) *ret_full = full;
    return false;
}

bool link_wait(PGconn *conn, int64_t until) {
    for (;;) {
        int unsent = PQflush(conn);
        if (unsent < 0) break;
        if (!PQisBusy(conn)) return true;
        short came = wait_for(conn, (short)(unsent ? POLLIN | POLLOUT : POLLIN), until);
        if (!came) return false;
        if (came & ~POLLOUT && !PQconsumeInput(conn)) break;
    }
    /* What the server said at last may be read still. */
    return !PQisBusy(conn);
}

bool link_is_quiet(PGconn *conn) {
    struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};
    return PQstatus(conn) == CONNECTION_OK && poll(&fd, 1, 0) == 0;
}
