/*
 * http: an HTTP/1.1 server (RFC 9110, RFC 9112) over GNU libmicrohttpd: connections, limits, deadlines, bodies.
 * Knows no order and no route. Closes what the library leaves open: Content-Length together with Transfer-Encoding,
 * repeated Content-Length, folded and NUL-bearing fields, bodies over the limit, senders that drip. About 16 KiB of
 * header fields fit; more, and a few other breaches of the form, the library answers by itself with a small HTML page
 * (400, 413, 414, 431, 505) or by closing, and the application does not hear of it.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct http_server;

struct http_config {
    const char *host;  /* numeric IPv4 or IPv6 address */
    uint16_t port;     /* 0: one that is free */
    unsigned threads;  /* event loops, 1 to 64 */
    unsigned workers;  /* threads for deferred requests, 1 to 256 */
    size_t body_limit; /* bytes */
    int64_t
        request_ms; /* from accept or the last answer to the end of the next request; then the connection is closed */
    unsigned connections; /* most at once */
};

/* A whole request. Everything is borrowed for the time of the call that gets it. */
struct http_request {
    struct str method, path; /* as sent, the path without its query */
    struct str query;        /* after '?', as sent */
    struct str body;
    bool body_too_large; /* it was read and thrown away */
    bool has_body;       /* there was a body, or a header that announced one */
    char id[37];         /* request id, UUIDv7 */
    struct str peer;     /* numeric address */
    void *impl;
};

/* NAME in any case; the empty text when absent. *ret_present may be NULL. */
struct str http_header(const struct http_request *request, const char *name, bool *ret_present);

struct http_response {
    int status;
    struct buf body;          /* JSON unless content_type says otherwise */
    const char *content_type; /* NULL: application/json; charset=utf-8 */
    struct http_header_out {
        const char *name;
        char value[256]; /* a host name fits */
    } headers[8];
    size_t n_headers;
};

/* Adds a header; VALUE is cut at 255 bytes. NAME is a literal. At most 8. */
void http_response_header(struct http_response *response, const char *name, const char *value);

enum http_verdict { HTTP_ANSWER, HTTP_DEFER };

struct http_app {
    void *ctx;
    /*
     * Gets every whole request on its event thread, where waiting is forbidden. HTTP_ANSWER: RESPONSE is filled.
     * HTTP_DEFER: call run instead, on a worker thread, where waiting is allowed. *ret_state (NULL before) is handed
     * to run. ARENA lives until the answer is sent; the state belongs there, for when the queue is full or the client
     * gone there is no run.
     */
    enum http_verdict (*begin)(void *ctx, const struct http_request *request, struct arena *arena,
                               struct http_response *response, void **ret_state);
    void (*run)(void *ctx, const struct http_request *request, struct arena *arena, struct http_response *response,
                void *state);
    /* Fills RESPONSE for a request that http itself refuses (ERR_INVALID, ERR_TOO_LARGE, ERR_UNAVAILABLE when the queue
     * is full). */
    void (*refuse)(void *ctx, const struct error *error, struct http_response *response);
};

/* Binds and starts. reterr names the address when it cannot be had. APP is copied. */
MUST_CHECK bool http_start(const struct http_config *config, const struct http_app *app, struct http_server **ret,
                           struct error *reterr);
uint16_t http_port(const struct http_server *server);
/*
 * Stops taking connections, lets requests under way finish for up to GRACE_MS, then ends and frees. What has not
 * reached run by then is refused; a run that has begun is waited for in any case. NULL is fine.
 */
void http_stop(struct http_server *server, int64_t grace_ms);
