/*
 * connection: db.h over libpq, for the pool and the transactions. Always in pipeline mode: what is queued is sent with
 * the next statement that is waited for.
 */
#pragma once

#include "store/connect.h"
#include "store/postgres/errors.h"
#include "store/postgres/url.h"

/* As link_open does. */
MUST_CHECK bool connection_open(const struct target *target, int64_t until, size_t *host, struct db **ret,
                                bool *ret_full, struct error *reterr);
/* From now on answers are waited for until then; after that the connection counts as lost. */
void connection_until(struct db *db, int64_t until);
/* A transaction begins: forgets the troubles of the last one. UNNAMED: statements are prepared anew at each run. */
void connection_fresh(struct db *db, bool unnamed);
/* The first trouble since then, and what it was; whatever came after it failed for it. */
enum trouble connection_trouble(const struct db *db);
const struct error *connection_failure(const struct db *db);
/* What is sent while ON, as it is after connection_fresh, is the transaction's own: not the caller's change. */
void connection_mine(struct db *db, bool on);
/* No transaction begins: each statement is by itself, and each answer may take WAIT_MS (0: see connection_until). */
void connection_alone(struct db *db, int64_t wait_ms);
/* Whether a statement changed rows since then, or one that is not answered yet may do; and whether
 * db_touch_identities was called. */
bool connection_may_have_changed(const struct db *db);
bool connection_touched(const struct db *db);
/* Runs COMMIT and waits for it. *ret_sent: it was sent, so that after TROUBLE_LOST nobody knows. */
MUST_CHECK bool connection_commit(struct db *db, bool *ret_sent, struct error *reterr);
/* Ends the transaction without waiting for the answer. */
void connection_leave(struct db *db);
/* Reads the answer to that, if it is still to come. False: the connection is no good any more. */
MUST_CHECK bool connection_settle(struct db *db);
/* Whether it may be used again: nothing is lost, and the server has not ended it. */
bool connection_is_good(struct db *db);
/* libpq's, for what db.h does not have. */
PGconn *connection_raw(struct db *db);
