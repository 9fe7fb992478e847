/*
 * bulk: a connection to PostgreSQL for what goes through it as a stream, by COPY. One thread, one transaction of the
 * caller's; nothing is repeated. For copying whole databases; everything else goes through db.h.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct bulk;

/* URL as libpq takes it. No error holds its password. */
MUST_CHECK bool bulk_open(const char *url, struct bulk **ret, struct error *reterr);
/* What was not committed is rolled back. NULL is fine. */
void bulk_close(struct bulk *bulk);
/* URL without user and password, for people: "postgresql://HOST:PORT/NAME". ERR_INVALID when it is no URL. */
MUST_CHECK bool bulk_place(const char *url, struct arena *arena, struct str *ret, struct error *reterr);

/* Runs SQL, which may be several statements. */
MUST_CHECK bool bulk_run(struct bulk *bulk, const char *sql, struct error *reterr);
/* All values that SQL selects, row after row; NULL is "". From ARENA. */
MUST_CHECK bool bulk_ask(struct bulk *bulk, const char *sql, struct arena *arena, struct str **ret, size_t *ret_n,
                         struct error *reterr);

/* Begins `COPY ... FROM STDIN`; then lines of COPY's text format, in pieces of any size; then the end, whose error
 * names line and column. After a failure only bulk_close is allowed. */
MUST_CHECK bool bulk_put_begin(struct bulk *bulk, const char *sql, struct error *reterr);
MUST_CHECK bool bulk_put(struct bulk *bulk, struct str text, struct error *reterr);
MUST_CHECK bool bulk_put_end(struct bulk *bulk, struct error *reterr);
/* Runs `COPY ... TO STDOUT` and hands each LINE with its end to FN. */
MUST_CHECK bool bulk_get(struct bulk *bulk, const char *sql, void (*fn)(void *arg, struct str line), void *arg,
                         struct error *reterr);
