/*
 * link: a connection of libpq that nobody waits for longer than they want to. Times are clock_steady_ms's.
 */
#pragma once

#include "store/postgres/errors.h"
#include "store/postgres/url.h"

/*
 * Connects to the first host of TARGET that suits, *host first (it gets the number of the one that did), until UNTIL.
 * *ret_full (may be NULL) when that failed because the server has no room for another connection. The connection does
 * not block; PQfinish ends it.
 */
MUST_CHECK bool link_open(const struct target *target, int64_t until, size_t *host, PGconn **ret, bool *ret_full,
                          struct error *reterr);
/* Sends what is buffered and waits until PQgetResult answers at once. False: UNTIL came, or the connection ended. */
bool link_wait(PGconn *conn, int64_t until);
/* Whether nothing came in while it was idle: the end, mostly. Does not wait. */
bool link_is_quiet(PGconn *conn);
