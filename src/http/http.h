/*
 * http: an HTTP/1.1 server (RFC 9110, RFC 9112) over GNU libmicrohttpd: connections, limits, deadlines, bodies.
 * Knows no order and no route. Closes what the library leaves open: Content-Length together with Transfer-Encoding,
 * repeated Content-Length, folded and NUL-bearing fields, bodies over the limit, senders that drip. About 6.5 KiB of
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
    unsigned streams;     /* of them, answers in parts and streams; what is more is refused (ERR_UNAVAILABLE) */
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
    } headers[12];
    size_t n_headers;
    bool in_parts;              /* body is only the beginning: http_app.more makes what follows */
    struct http_stream *stream; /* NULL, or what http_stream_open made; then body is sent first, too */
};

/* Adds a header; VALUE is cut at 255 bytes. NAME is a literal. At most 12. */
void http_response_header(struct http_response *response, const char *name, const char *value);

/*
 * An answer that any thread writes to while it is sent, for as long as both sides like. It waits for nobody: what was
 * not sent yet is kept up to HTTP_STREAM_MOST bytes, and who reads slower than that is cut. So is who takes nothing of
 * what there is for request_ms. A stream without anything to send costs no thread and is not cut, but ends soon after
 * its client left. It ends at http_stop, too.
 */
enum { HTTP_STREAM_MOST = 256 << 10 };

/* Makes RESPONSE, with its status and headers, a stream. Borrowed: it is RESPONSE's. */
struct http_stream *http_stream_open(struct http_response *response);
/* For who keeps it beyond the call that opened it: it lives until it was let go as often as it was kept. */
struct http_stream *http_stream_keep(struct http_stream *stream);
void http_stream_let_go(struct http_stream *stream); /* NULL is fine */
/* Sends TEXT as soon as possible. False when the stream is over, for whatever reason: nothing of it will be read. */
bool http_stream_write(struct http_stream *stream, struct str text);
/* Ends it after what was written. */
void http_stream_end(struct http_stream *stream);
/* Whether nothing that is written now would be sent. */
bool http_stream_is_over(struct http_stream *stream);

enum http_verdict { HTTP_ANSWER, HTTP_DEFER };

/* What comes after this part of an answer: more; nothing; the connection is cut, so that the client sees that something
 * is missing. */
enum http_part { HTTP_PART_MORE, HTTP_PART_LAST, HTTP_PART_BROKEN };

struct http_app {
    void *ctx;
    /*
     * Gets every whole request on its event thread, where waiting is forbidden. HTTP_ANSWER: RESPONSE is filled.
     * HTTP_DEFER: call run instead, on a worker thread, where waiting is allowed. *ret_state (NULL before) is handed
     * to run, and to more. ARENA lives until the answer is sent; the state belongs there, for when the queue is full or
     * the client gone there is no run.
     */
    enum http_verdict (*begin)(void *ctx, const struct http_request *request, struct arena *arena,
                               struct http_response *response, void **ret_state);
    void (*run)(void *ctx, const struct http_request *request, struct arena *arena, struct http_response *response,
                void *state);
    /*
     * For an answer in parts: appends the next one to the body, which is empty, on a worker thread, each time the
     * client has taken what was there before; STATE is begin's. May be NULL when there is none such.
     */
    enum http_part (*more)(void *ctx, const struct http_request *request, struct arena *arena,
                           struct http_response *response, void *state);
    /* Fills RESPONSE for a request that http itself refuses (ERR_INVALID, ERR_TOO_LARGE, ERR_UNAVAILABLE when the queue
     * is full). */
    void (*refuse)(void *ctx, const struct error *error, struct http_response *response);
};

/* Binds and starts. reterr names the address when it cannot be had. APP is copied. */
MUST_CHECK bool http_start(const struct http_config *config, const struct http_app *app, struct http_server **ret,
                           struct error *reterr);
uint16_t http_port(const struct http_server *server);
/*
 * Stops taking connections, ends streams, lets requests under way finish for up to GRACE_MS, then ends and frees. What
 * has not reached run by then is refused, answers in parts are broken off; a run that has begun is waited for in any
 * case. NULL is fine.
 */
void http_stop(struct http_server *server, int64_t grace_ms);
