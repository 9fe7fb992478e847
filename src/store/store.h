/*
 * store: makes changes durable and serves reads, over one of two engines. Safe from any thread.
 *
 * SQLite (WAL, synchronous=FULL) in DIR/dfyd.db: one writer commits many waiting changes in one transaction (group
 * commit) and answers each only after its fsync; every reading thread has its own connection with a snapshot that is
 * renewed when something was committed. Changes run one after another. Reading takes no shared lock.
 *
 * PostgreSQL: a pool of connections, and any number of nodes. Changes of one workspace run one after another, changes
 * of the operator run alone, and claims pass each other by; docs/postgresql.md says why that is enough.
 */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "store/db.h"

struct store;

struct store_config {
    const char *dir;        /* SQLite's folder; PostgreSQL: unused */
    const char *url;        /* postgresql://..., as libpq takes it; NULL: SQLite */
    const char *vfs;        /* SQLite VFS; NULL: the system's. Only the simulator sets it */
    bool single;            /* one connection, changes run in the caller's thread: the simulator and short commands */
    const char *listen_url; /* PostgreSQL: for notifications, past a pool like PgBouncer; NULL: URL */
    unsigned connections;   /* PostgreSQL: of the pool, at most; 0 with `single` */
    int64_t wait_ms;        /* PostgreSQL: how long a call waits for the database in all, outage or not; 0: 10,000 */
    /* What has to be seen at night: EVENT, because of REASON, and what happens next. From a thread of the store's;
     * NULL: nobody. */
    void (*tell)(void *arg, const char *event, const char *reason, const char *next);
    void *tell_arg;
};

/* Opens or creates the database and brings it to this program's version. */
MUST_CHECK bool store_open(const struct store_config *config, struct store **ret, struct error *reterr);
/* Ends the writer after its last commit. NULL is fine. No other call may be running. */
void store_close(struct store *store);

/* A change or a read; ARG is the caller's. May run again from its start when its transaction has to be repeated, so it
 * only writes to its outputs and the database. */
typedef bool store_fn(struct db *db, void *arg, struct error *reterr);

/*
 * Runs CHANGE in a transaction of its own (as seen by it) and returns true when it is durable. False: nothing of it
 * happened; reterr is CHANGE's own error, or ERR_UNAVAILABLE when the database cannot be written: disk full, read-only
 * or failing; server away. With PostgreSQL there is one more end, ERR_UNSURE: the connection was lost during the commit
 * and no server answered within wait_ms, so it is not known whether it happened.
 * Not from inside another store call.
 *
 * store_write: CHANGE runs alone, on all nodes. For what the operator changes; always right, never fast.
 */
MUST_CHECK bool store_write(struct store *store, store_fn *change, void *arg, struct error *reterr);
/* CHANGE reads and writes what belongs to WORKSPACE_ID, and runs beside those of other workspaces. What workspaces
 * share it only touches by unique indexes and by single statements that test what they change. */
MUST_CHECK bool store_write_of(struct store *store, struct str workspace_id, store_fn *change, void *arg,
                               struct error *reterr);
/* CHANGE takes rows that lock what they select, passing by what others hold (FOR UPDATE SKIP LOCKED), or changes one
 * row by its lease. It runs beside everything but store_write. */
MUST_CHECK bool store_claim(struct store *store, store_fn *change, void *arg, struct error *reterr);
/* Runs READ on a snapshot that holds everything committed before the call, by any process or node. Never blocks on
 * writers. */
MUST_CHECK bool store_read(struct store *store, store_fn *read, void *arg, struct error *reterr);
/* Runs FN once, within WAIT_MS. With PostgreSQL each of its statements stands alone, outside a transaction, is not told
 * to anyone and not repeated: for counts that may be lost. SQLite: store_write. */
MUST_CHECK bool store_tally(struct store *store, int64_t wait_ms, store_fn *fn, void *arg, struct error *reterr);

/* What may have changed. On SQLite every commit changes all of it. */
enum store_topic {
    STORE_ANYTHING,
    STORE_IDENTITIES, /* who may call, and by which prices: keys, workspaces, cards, prices, promotions, restrictions */
    STORE_TOPIC_END,
};

/*
 * A number that grows with every commit that changes TOPIC, of this process or another: values read at the same
 * generation are still true. For caches; a load from memory. This store's own commits show at once; on SQLite those of
 * other dfyd processes too, and those of other programs within a second; with PostgreSQL those of other nodes within a
 * second (at once while notifications arrive).
 */
uint64_t store_generation(struct store *store, enum store_topic topic);
/* FN is called, from a thread of the store's, when another node committed something that may give this one work. One FN
 * at most; NULL ends it, and returns when no call is running. SQLite: never called. */
void store_on_news(struct store *store, void (*fn)(void *arg), void *arg);
/*
 * What this thread asks a shared database for waits until the steady clock (base/clock.h) shows UNTIL_MS, when that is
 * sooner than wait_ms allows, but for a quarter of wait_ms at least; INT64_MAX, as at first: as wait_ms allows. For who
 * has to answer by then.
 */
void store_wait_until(int64_t until_ms);
/* Whether other nodes work on the same database now or later, and waiting for it is waiting for a network. */
bool store_is_shared(const struct store *store);
/*
 * Housekeeping, about once a second: ends snapshots that idle threads hold, so that the log can be cut, and frees
 * cached pages when a burst of changes is over; closes connections that nobody uses.
 */
void store_tidy(struct store *store);
/* True when a small write and commit works; for /readyz. */
MUST_CHECK bool store_ready(struct store *store, struct error *reterr);
