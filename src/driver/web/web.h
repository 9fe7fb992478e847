/*
 * web: HTTP calls to the world, over libcurl, for the drivers that make them. Connections are kept and used again. TLS
 * is verified, redirects are not followed, no proxy is used, and what comes back has a limit. Safe to call from several
 * threads at once.
 */
#pragma once

#include "base/arena.h"

struct web;

struct web_header {
    struct str name, value; /* checked by the caller: no line ends */
};

struct web_request {
    const char *method; /* "GET", "POST", "PATCH"; a body goes with any of them, and always with POST */
    struct str url;     /* http or https */
    struct str body;
    const struct web_header *headers;
    size_t n_headers;
    int64_t timeout_ms;      /* for all of it, from the name lookup to the last byte */
    size_t answer_max_bytes; /* of the body; a longer one is cut off and is WEB_TOO_LONG */
    bool public_only;        /* only to addresses that are public (core/target.h), judged where the socket is made */
    bool forget_answer;      /* the body and the header fields that come back are counted, not kept */
};

enum web_result {
    WEB_ANSWERED, /* completely; any status */
    WEB_TOO_LONG, /* the status is known, the rest is cut off */
    WEB_PRIVATE,  /* nothing was sent, for the address is not public */
    WEB_FAILED,   /* no whole answer; it may have arrived all the same */
};

/* Texts live in the arena of the call. */
struct web_reply {
    int status; /* HTTP; 0: none came */
    int64_t took_ms;
    struct str body;
    struct str head;    /* header fields of the last answer, as they came */
    const char *reason; /* with WEB_FAILED, for people */
};

/* Starts libcurl, once; for drivers that have handles of their own. web_call does it. */
void web_start(void);
/* Never NULL. libcurl is started with the first call. */
struct web *web_create(void);
/* NULL is fine. */
void web_destroy(struct web *web);
enum web_result web_call(struct web *web, const struct web_request *request, struct arena *arena,
                         struct web_reply *ret);
/* The first value of a header field that came back; empty when there is none. NAME in any case. */
struct str web_reply_header(const struct web_reply *reply, const char *name);
