/*
 * error: what went wrong, for the one who decides what happens next. Library code fills it and returns false;
 * it never logs. One table gives each code its public name, its HTTP status and whether a retry can help.
 */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,      /* the input is wrong; the message says how to mend it */
    ERR_UNAUTHORIZED, /* no key, or not a valid one */
    ERR_NOT_PAID,     /* the workspace has no active plan */
    ERR_FORBIDDEN,    /* the key lacks the scope */
    ERR_NOT_FOUND,
    ERR_BAD_METHOD,
    ERR_CONFLICT,      /* the state changed, or the same work is still running */
    ERR_TOO_LARGE,     /* the body is over its limit */
    ERR_MEDIA_TYPE,    /* the body is not JSON by its content type */
    ERR_UNPROCESSABLE, /* an idempotency key came back with another body */
    ERR_TIMEOUT,       /* the client was too slow */
    ERR_RATE_LIMITED,  /* too many requests */
    ERR_INTERNAL,      /* a bug or a damaged file */
    ERR_UPSTREAM,      /* a driver refused, or gave no clear answer */
    ERR_UNAVAILABLE,   /* disk full, database locked, upstream silent: nothing was done, try again */
    ERR_UNSURE,        /* the database went away in the middle of a commit: whether it was done is not known */
};

struct error {
    enum err_code code;
    char message[320];
};

/* Fills ERR and returns false, so that a caller can `return error_set(...)`. Cuts a message that is too long. */
bool error_set(struct error *reterr, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* HTTP status and its reason phrase (RFC 9110 section 15). */
int error_status(enum err_code code);
const char *error_phrase(enum err_code code);
/* Stable name for logs, such as "unavailable". */
const char *error_name(enum err_code code);
/* Whether the same call can succeed later with nothing changed by the caller. */
bool error_retry_helps(enum err_code code);
