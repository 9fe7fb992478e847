/*
 * transaction: one call of the store over PostgreSQL: begins, takes the locks of its scope, runs the function, commits;
 * and runs it again when nothing of it happened for a reason that passes.
 *
 *     40001, 40P01               it could not be ordered among others
 *     26000, 42P05               names of statements got mixed up: again without names
 *     25006, 0A000 of a plan     again on another connection
 *     08xxx, 57Pxx, or nothing   the connection is lost, before COMMIT was sent
 */
#pragma once

#include "store/engine.h"
#include "store/postgres/pool.h"

struct call {
    enum store_scope scope;
    struct str workspace_id;
    bool is_read;
    bool has_no_locks;
    bool tells;      /* that it changed something, in the transaction: there is no listener that does */
    struct ids *ids; /* of its marks (marks.h); NULL: it has none */
    store_fn *fn;
    void *arg;
    int64_t until;  /* clock_steady_ms: not tried again after that */
    int64_t ask_ms; /* after a lost commit, how long to ask what became of it, at least */
};

/* What a call that was done did. */
struct did {
    bool changed; /* rows, as far as the server's answers tell */
    bool touched; /* db_touch_identities */
};

/* False: nothing happened, or reterr is ERR_UNSURE. */
MUST_CHECK bool transaction_run(struct pool *pool, const struct call *call, struct did *ret, struct error *reterr);
/* Runs FN without a transaction, each of its statements by itself, and once. */
MUST_CHECK bool transaction_none(struct pool *pool, int64_t until, store_fn *fn, void *arg, struct error *reterr);
