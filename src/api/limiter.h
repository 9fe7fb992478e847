/*
 * limiter: what is left to each workspace, in a table of fixed size. A place is taken back when its windows have ended;
 * when more workspaces are active at once than fit, from the one that has used least, whose count then begins anew.
 * Safe from any thread; a call holds one lock of many for the time of a few comparisons.
 */
#pragma once

#include "base/str.h"
#include "core/limit.h"

struct limiter;

enum { LIMITER_PLACES = 1 << 16, LIMITER_ROUTES = 255 };

/* Never NULL. */
struct limiter *limiter_create(void);
/* NULL is fine. */
void limiter_destroy(struct limiter *limiter);
/*
 * Asks for a request of WORKSPACE_ID (a UUID) under the limits of all its requests (ALL) and those of route number
 * ROUTE (below LIMITER_ROUTES; OF_ROUTE may be NULL), at once: it counts for both or for none.
 */
struct limit_verdict limiter_ask(struct limiter *limiter, struct str workspace_id, const struct limits *all,
                                 size_t route, const struct limits *of_route, int64_t now_ms);
/* Bytes that it takes, whatever it holds; for tests. */
size_t limiter_size(void);
