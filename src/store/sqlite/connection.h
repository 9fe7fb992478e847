/* connection: what only SQLite's connections can do, for the writer and the readers. */
#pragma once

#include "store/connect.h"

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
