/*
 * connect: opening a connection and driving its transactions. For store.c and migrate.c; everyone else is handed an
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

/* Creates the file when it is missing, unless read_only. WAL, synchronous=FULL. */
MUST_CHECK bool db_open(const struct connect *connect, struct db **ret, struct error *reterr);
/* NULL is fine. */
void db_close(struct db *db);
/* Runs SQL, which may be several statements, and forgets it. */
MUST_CHECK bool db_exec(struct db *db, const char *sql, struct error *reterr);
/* Ends every query that was left before its last row. */
void db_rest(struct db *db);
/* Whether a transaction is open: SQLite ends one by itself on some failures. */
bool db_in_transaction(struct db *db);
/* Rows changed since the connection was opened, those rolled back too. */
int64_t db_total_changes(struct db *db);
/* Pages in the write-ahead log after this connection's last commit. */
int db_log_pages(struct db *db);
/* From now on the log is only written back by db_checkpoint, not by commits. */
void db_checkpoint_by_hand(struct db *db);
/* Writes back as much of the log as can be without waiting for anyone. A failure only leaves the log longer. */
void db_checkpoint(struct db *db);
/* Frees the cached pages that no query is using. */
void db_shrink(struct db *db);
/* A number that changes when another connection commits. */
MUST_CHECK bool db_data_version(struct db *db, int64_t *ret, struct error *reterr);
