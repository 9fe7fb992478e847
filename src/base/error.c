#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const struct row {
    const char *name, *phrase;
    int status;
    bool retry;
} rows[] = {
    [ERR_NONE] = {"none", "OK", 200, false},
    [ERR_INVALID] = {"invalid", "Bad Request", 400, false},
    [ERR_UNAUTHORIZED] = {"unauthorized", "Unauthorized", 401, false},
    [ERR_NOT_PAID] = {"not_paid", "Payment Required", 402, false},
    [ERR_FORBIDDEN] = {"forbidden", "Forbidden", 403, false},
    [ERR_NOT_FOUND] = {"not_found", "Not Found", 404, false},
    [ERR_BAD_METHOD] = {"bad_method", "Method Not Allowed", 405, false},
    [ERR_CONFLICT] = {"conflict", "Conflict", 409, true},
    [ERR_TOO_LARGE] = {"too_large", "Payload Too Large", 413, false},
    [ERR_MEDIA_TYPE] = {"media_type", "Unsupported Media Type", 415, false},
    [ERR_UNPROCESSABLE] = {"unprocessable", "Unprocessable Entity", 422, false},
    [ERR_TIMEOUT] = {"timeout", "Request Timeout", 408, true},
    [ERR_RATE_LIMITED] = {"rate_limited", "Too Many Requests", 429, true},
    [ERR_INTERNAL] = {"internal", "Internal Server Error", 500, false},
    [ERR_UPSTREAM] = {"upstream", "Bad Gateway", 502, true},
    [ERR_UNAVAILABLE] = {"unavailable", "Service Unavailable", 503, true},
    [ERR_UNSURE] = {"unsure", "Service Unavailable", 503, true},
};

bool error_set(struct error *reterr, enum err_code code, const char *fmt, ...) {
    reterr->code = code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(reterr->message, sizeof reterr->message, fmt, args);
    va_end(args);
    return false;
}

int error_status(enum err_code code) {
    return rows[code].status;
}

const char *error_phrase(enum err_code code) {
    return rows[code].phrase;
}

const char *error_name(enum err_code code) {
    return rows[code].name;
}

bool error_retry_helps(enum err_code code) {
    return rows[code].retry;
}
