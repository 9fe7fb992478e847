/*
 * connect: opening a connection and driving its transactions. For the engines and migrate.c; everyone else is handed an
 * open connection inside store_read or store_write.
 */
#pragma once

#include "store/db.h"

struct connect {
    const char *path;
    const char *vfs;  /* NULL: the system's */
    bool exclusive;   /* nobody else opens the file: works on a VFS without shared memory */
    bool read_only;   /* refuses every change, also to make the file */
    int lock_wait_ms; /* how long to wait for another connection's lock */
};

/* SQLite. Creates the file when it is missing, unless read_only. WAL, synchronous=FULL. */
MUST_CHECK bool db_open(const struct connect *connect, struct db **ret, struct error *reterr);
/* PostgreSQL: URL as libpq takes it. Connecting and each answer are waited for up to WAIT_MS. What the URL leaves open
 * is set as postgres/url.h says. No error holds the URL's password. */
MUST_CHECK bool db_open_postgres(const char *url, int64_t wait_ms, struct db **ret, struct error *reterr);
/* NULL is fine. */
void db_close(struct db *db);
/* Runs SQL, which may be several statements, and forgets it. */
MUST_CHECK bool db_exec(struct db *db, const char *sql, struct error *reterr);
/* Ends every query that was left before its last row. */
void db_rest(struct db *db);
/* Whether a transaction is open: SQLite ends one by itself on some failures. */
bool db_in_transaction(struct db *db);
