/*
 * news: what this node's caches and workers hear of commits, its own and those of other nodes. Safe from any thread.
 * docs/postgresql.md, "News between nodes".
 */
#pragma once

#include "store/store.h"

struct news;

struct news_config {
    const char *url; /* where LISTEN works */
    bool single;     /* a short command: it tells, and hears nothing */
    void (*tell)(void *arg, const char *event, const char *reason, const char *next); /* NULL: nobody */
    void *tell_arg;
};

/* Does not wait for the server. */
MUST_CHECK bool news_start(const struct news_config *config, struct news **ret, struct error *reterr);
/* Quick. NULL is fine. */
void news_stop(struct news *news);
/* A transaction of this node's has changed something, and is committed; IDENTITIES: db_touch_identities was called in
 * it. Before the answer is given. Does not wait. */
void news_committed(struct news *news, bool identities);
uint64_t news_generation(const struct news *news, enum store_topic topic);
void news_on(struct news *news, void (*fn)(void *arg), void *arg);
/*
 * A statement to be run last in a transaction of which others have to hear however this node ends: one that changes
 * identities; with `single` every one that changes something (IDENTITIES: whether it does that). PostgreSQL commits
 * such transactions one after another.
 */
const char *news_sql(const struct news *news, bool identities);
