/*
 * migrate: brings a database to this program's schema. Migrations only go forward; each runs once, in a transaction of
 * its own, on one node at a time. HACKING.md, "Add a migration", says what a migration may do while old nodes run.
 */
#pragma once

#include "store/db.h"

struct migration {
    const char *name;     /* NNN-what; NNN is its place, from 1 */
    const char *sqlite;   /* its statements */
    const char *postgres; /* NULL: the first later one that has some is the baseline, which holds this one */
    /* The oldest program, by the newest migration that it knows, that still works on a database with this one. The same
     * as before: it expands. A greater one: it contracts, and waits until every older node has ended. */
    int64_t oldest;
};

/* Brings DB, which is in no transaction, to this program's version. ERR_INVALID when the database is newer and does not
 * work with this program any more; ERR_CONFLICT names the node that a contracting migration would lock out. */
MUST_CHECK bool migrate_run(struct db *db, struct error *reterr);
/* The same for other migrations than this program's. */
MUST_CHECK bool migrate_through(struct db *db, const struct migration *migrations, size_t n, struct error *reterr);
/* The schema that this program was made for: the number of its newest migration. */
int64_t migrate_newest(void);
/* Whether this program still works on the database: another node may have contracted it. ERR_INVALID says that it does
 * not. For nodes, from time to time, inside a read or a change. */
MUST_CHECK bool migrate_still_fits(struct db *db, struct error *reterr);
