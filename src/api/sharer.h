/*
 * sharer: limiter.h for nodes that share a database: what this node holds of each workspace's windows, in a table of
 * fixed size, and the questions to the rows that all nodes know. What falls out of the table is not given back: it
 * counts as used. Safe from any thread.
 */
#pragma once

#include "core/limit.h"
#include "store/store.h"

struct sharer;

enum { SHARER_PLACES = 1 << 15 };

/* How many nodes there are, at least 1; from any thread. */
typedef unsigned sharer_nodes_fn(void *arg);

/* Never NULL. STORE is shared, and outlives it. */
struct sharer *sharer_create(struct store *store, sharer_nodes_fn *nodes, void *arg);
/* NULL is fine. */
void sharer_destroy(struct sharer *sharer);

/* A call with limits of its own. NUMBER is this process's, METHOD and PATH are the same on all nodes. */
struct sharer_route {
    size_t number;
    const char *method, *path;
    const struct limits *limits; /* NULL: none */
};

/*
 * limiter_ask, by this machine's steady clock; may wait for the database, a second at most. When that does not answer,
 * this node has its part of each limit. What is left of a window is what this node knows.
 */
struct limit_verdict sharer_ask(struct sharer *sharer, struct str workspace_id, const struct limits *all,
                                const struct sharer_route *route);
