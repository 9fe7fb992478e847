/*
 * node: this process among those that share the database. It says that it lives, knows how many others do, and notices
 * once for all its threads that the database is away, and that it is back. On SQLite there is one node, and no thread.
 */
#pragma once

#include "step/world.h"

struct node;

struct node_config {
    const struct world *world;
    const char *name, *version, *roles; /* as in store/nodes.h; borrowed */
    /* Called once, on a thread of the node's, when a migration has made this program too old for the database. */
    void (*outdated)(void *arg);
    void *arg;
};

/* Writes down that the node is there. Nothing works before that. */
MUST_CHECK bool node_join(const struct node_config *config, struct node **ret, struct error *reterr);
/* Writes down that it ends, and frees. NULL is fine. */
void node_leave(struct node *node);

/* Its id in the table of nodes. */
struct str node_id(const struct node *node);
/* How many nodes lived when it was last known, this one too: 1 or more. A load from memory; NULL is one alone. */
int64_t node_count(const struct node *node);

/*
 * For whoever met ERROR. True: the shared database is away; that was logged, once for all, and there is nothing more to
 * say. False: it is something else. NODE may be NULL.
 */
bool node_is_away(struct node *node, const struct error *error);
/* FN is called when the database is back, on a thread of the node's; NULL ends it, and returns when no call is running.
 * One at most. */
void node_on_back(struct node *node, void (*fn)(void *arg), void *arg);
