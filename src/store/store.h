/*
 * store: makes changes durable and serves reads. One writer commits many waiting changes in one transaction (group
 * commit) and answers each only after its fsync; every reading thread has its own connection with a snapshot that
 * is renewed when something was committed. Reading takes no shared lock. Safe from any thread.
 *
 * SQLite (WAL, synchronous=FULL) in DIR/dfyd.db.
 */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "store/db.h"

struct store;

struct store_config {
    const char *dir;
    const char *vfs; /* SQLite VFS; NULL: the system's. Only the simulator sets it */
    bool single;     /* one connection, changes run in the caller's thread: the simulator and short commands */
};

/* Opens or creates the database and brings it to this program's version. */
MUST_CHECK bool store_open(const struct store_config *config, struct store **ret, struct error *reterr);
/* Ends the writer after its last commit. NULL is fine. No other call may be running. */
void store_close(struct store *store);

/* A change or a read; ARG is the caller's. May run again from its start when its group has to be repeated, so it only
 * writes to its outputs and the database. */
typedef bool store_fn(struct db *db, void *arg, struct error *reterr);

/*
 * Runs CHANGE in a transaction of its own (as seen by it) and returns true when it is durable. False: nothing of it
 * happened; reterr is CHANGE's own error, or ERR_UNAVAILABLE when the disk is full, read-only or failing.
 * Not from inside another store call.
 */
MUST_CHECK bool store_write(struct store *store, store_fn *change, void *arg, struct error *reterr);
/* Runs READ on a snapshot that holds everything committed before the call, by any process. Never blocks on writers. */
MUST_CHECK bool store_read(struct store *store, store_fn *read, void *arg, struct error *reterr);
/*
 * A number that grows with every commit, of this process or another on the same directory: values read at the same
 * generation are still true. For caches. Changes by programs other than dfyd show within a second.
 */
uint64_t store_generation(struct store *store);
/*
 * Housekeeping, about once a second: ends snapshots that idle threads hold, so that the log can be cut, and frees
 * cached pages when a burst of changes is over.
 */
void store_tidy(struct store *store);
/* True when a small write and commit works; for /readyz. */
MUST_CHECK bool store_ready(struct store *store, struct error *reterr);
