/*
 * pool: the connections of one process to PostgreSQL: opened when they are needed, up to a limit; those that nobody
 * uses are closed. While the server is away, one call at a time tries to connect, and the others fail at once (a second
 * after it went away; before that they wait with it). Safe from any thread.
 */
#pragma once

#include "store/postgres/connection.h"

struct pool;

/* MAX connections; URL is copied. Connects to nothing yet. */
MUST_CHECK bool pool_create(const char *url, unsigned max, struct pool **ret, struct error *reterr);
/* All connections are back. NULL is fine. */
void pool_destroy(struct pool *pool);
/* A connection in no transaction, for one that ends by UNTIL; pool_give takes it back. ERR_UNAVAILABLE. */
MUST_CHECK bool pool_take(struct pool *pool, int64_t until, struct db **ret, struct error *reterr);
/* Closes DB unless it can be used again. */
void pool_give(struct pool *pool, struct db *db);
/* What else is connected at this moment may have been lost in the same way: looked at before it is used again. */
void pool_suspect(struct pool *pool);
/* From now on statements have no names: something between here and the server mixes them up. */
void pool_go_unnamed(struct pool *pool);
/* Closes what nobody used for a while. */
void pool_tidy(struct pool *pool);
