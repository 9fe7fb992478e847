/* errors: what PostgreSQL says when something fails, as this program's errors, and what may be done next. */
#pragma once

#include <libpq-fe.h>

#include "base/error.h"

enum trouble {
    TROUBLE_NONE,
    TROUBLE_STATEMENT, /* the statement failed, and its transaction with it */
    TROUBLE_REPEAT,    /* nothing of the transaction happened; the same can work when it is run again */
    TROUBLE_UNNAMED,   /* the same, with statements that have no name */
    TROUBLE_AFRESH,    /* the same, on another connection */
    TROUBLE_LOST,      /* the connection is gone */
};

/* RESULT is a failure; fills reterr. Ends the process when SQL, the statement's text, is wrong. */
enum trouble errors_read(const PGresult *result, const char *sql, struct error *reterr);
/* Whether it failed because the server has no room for another connection. */
bool errors_is_full(PGconn *conn);
/* The server is away: WORDS of libpq, in one line and without PASSWORD (may be NULL). Returns false. */
bool errors_away(const char *words, const char *password, struct error *reterr);
