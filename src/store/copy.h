/*
 * copy: all rows of a database of SQLite into one of PostgreSQL whose schema is of the same version, and whether they
 * arrived. What is not copied (copy.c says what and why) is left as an empty PostgreSQL has it, or worked out.
 */
#pragma once

#include "store/db.h"
#include "store/postgres/bulk.h"

struct copy {
    struct db *source;   /* in a transaction in which nobody else writes */
    struct bulk *target; /* of its own user, who owns the tables */
    struct arena *arena; /* outlives SOURCE's connection: it keeps statements by their text */
    /* Told of each table that was copied. */
    void (*progress)(void *arg, const char *table, int64_t rows, int64_t ms);
    void *arg;
};

/* One comparison of the two. */
struct copy_check {
    struct str what;           /* "orders", "sum of orders.amount", "balance of cash/sandbox" */
    struct str source, target; /* numbers */
    bool same;                 /* of tables: every value of every row */
};

/* ERR_CONFLICT, naming a table, when something other than what a new database has is in the target. */
MUST_CHECK bool copy_is_empty(struct copy *copy, struct error *reterr);
/* Replaces all rows of the target, in one transaction; it is committed when this returns true. */
MUST_CHECK bool copy_run(struct copy *copy, int64_t *ret_rows, struct error *reterr);
/* Compares both, as they are now. From COPY's arena. */
MUST_CHECK bool copy_compare(struct copy *copy, struct copy_check **ret, size_t *ret_n, struct error *reterr);

/* Whether TABLE is copied; *ret_is_known: or left out on purpose. For tests. */
bool copy_takes(const char *table, bool *ret_is_known);
