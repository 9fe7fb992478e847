/*
 * internal: what the files of this folder share, and nobody else sees.
 *
 * A loop is one event thread with its libmicrohttpd daemon; a connection belongs to one loop for life. An exchange is
 * one request with its answer; it is touched by its loop's thread, and while it is deferred by one worker alone.
 */
#pragma once

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/ids.h"
#include "http/http.h"

struct loop;

/* ---- event: an eventfd that wakes a thread ---- */

/* -1: out of descriptors. */
int event_open(void);
/* Who polls EVENT wakes. */
void event_raise(int event);
void event_empty(int event);

/* ---- deadline: closes connections whose client takes too long ---- */

struct conn {
    struct conn *prev, *next;
    struct loop *loop;
    int fd;
    /* Monotonic milliseconds after which the connection is cut; 0 while the server is the one to act. */
    _Atomic int64_t due;
    _Atomic bool unchecked;     /* idle since its last answer, and not yet looked at for a half close */
    struct http_stream *stream; /* that is being sent; NULL: none. Under the deadline's mutex */
    char peer[48];
};

struct deadline {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    pthread_t thread;
    int64_t request_ms;
    struct conn *first;
    bool started, stop;
    bool no_streams; /* each ends as soon as it begins */
};

int64_t monotonic_ms(void);
void cond_init_monotonic(pthread_cond_t *cond);
/* Waits until AT (monotonic_ms); false when that time has come. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t at);

MUST_CHECK bool deadline_start(struct deadline *deadline, int64_t request_ms);
void deadline_stop(struct deadline *deadline);
void deadline_add(struct deadline *deadline, struct conn *conn);
void deadline_remove(struct deadline *deadline, struct conn *conn);
/* From now on CONN's stream is STREAM, which is ended when the client leaves; NULL: none. */
void deadline_watch(struct deadline *deadline, struct conn *conn, struct http_stream *stream);
/* Ends all streams, and from now on each one at once. */
void deadline_end_streams(struct deadline *deadline);

/* ---- exchange ---- */

enum stage {
    STAGE_HEAD,     /* the request line is known */
    STAGE_BODY,     /* the header fields were checked */
    STAGE_DEFERRED, /* begin wants a worker, and the connection is not suspended yet */
    STAGE_RUNNING,  /* suspended, a worker's */
    STAGE_DONE,     /* the response is filled */
    STAGE_ANSWERED, /* and handed to libmicrohttpd */
    STAGE_PART,     /* the same, and suspended again: a worker makes the next part */
};

struct exchange {
    struct http_request request;
    struct http_response response;
    struct exchange *next; /* in the loop's spare list or in the queue */
    struct conn *conn;
    struct MHD_Connection *mhd;
    struct arena *arena;
    struct str target; /* as sent */
    struct buf body;
    uint64_t discarded; /* bytes of a body that is over the limit */
    enum stage stage;
    bool close;       /* the connection ends after this answer */
    bool is_streamed; /* counted in the server's n_streams */
    size_t taken;     /* bytes of the response's body that were handed to libmicrohttpd, where it is streamed */
    enum http_part part;
    void *state;
};

/* What the header fields say about the message, as far as this folder cares. */
struct head {
    unsigned hosts, content_lengths, transfer_encodings;
    int64_t content_length; /* -1: not a number */
    bool chunked, expects_continue, malformed, bad_method;
    const char *end; /* of the line read last */
};

/* Reads the header fields once; nothing is judged. METHOD, URL and VERSION are the pieces of the request line. */
void head_read(struct MHD_Connection *mhd, const char *method, const char *url, const char *version, struct head *ret);
/* Whether a message with this head has one clear meaning (RFC 9112 sections 3.2 and 6). */
MUST_CHECK bool head_check(const struct head *head, const char *version, struct error *reterr);
/*
 * Splits TARGET into path and query; of the absolute form only the path is kept. SENT is the length that the request
 * line gave it: it is longer than TARGET when a NUL byte was in it.
 */
MUST_CHECK bool target_split(struct str target, size_t sent, struct str *ret_path, struct str *ret_query,
                             struct error *reterr);

/* ---- defer: the queue and its workers ---- */

enum { DEFER_MOST = 4096 };

struct defer {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    pthread_t *threads;
    unsigned n_threads;
    const struct http_app *app;
    struct exchange *first, **end;
    size_t n;
    bool stop;
};

MUST_CHECK bool defer_start(struct defer *defer, unsigned workers, const struct http_app *app);
/* Suspends the connection and queues the exchange, for its run or, at STAGE_ANSWERED, its next part. False, with
 * nothing done, when the queue is full or stopped. */
MUST_CHECK bool defer_push(struct defer *defer, struct exchange *x);
/* Refuses what still waits, lets each worker finish what it is at, and joins them. */
void defer_stop(struct defer *defer);

/* ---- stream: answers that are made while they are sent ---- */

/* The answer to X as libmicrohttpd wants it, with its first bytes; NULL: out of memory. */
struct MHD_Response *stream_response(struct exchange *x);
/* Whether there is room for one more; then X counts until stream_completed. */
bool stream_enter(struct exchange *x);
/* Of any exchange, whether it is one or not. */
void stream_completed(struct exchange *x);
/* The client is gone, or was cut. */
void stream_break(struct http_stream *stream);

/* ---- acceptor ---- */

struct acceptor {
    pthread_t thread;
    int listener, event; /* event wakes the thread: a place is free, or the end */
    unsigned most;       /* connections */
    struct loop *loops;
    unsigned n_loops;
    _Atomic bool full, stop;
    bool started;
};

MUST_CHECK bool acceptor_bind(struct acceptor *acceptor, const char *host, uint16_t port, struct error *reterr);
MUST_CHECK bool acceptor_start(struct acceptor *acceptor);
/* A connection was closed. */
void acceptor_freed(struct acceptor *acceptor);
/* No connection is taken any more. */
void acceptor_stop(struct acceptor *acceptor);

/* ---- server ---- */

struct loop {
    struct http_server *server;
    struct MHD_Daemon *mhd;
    pthread_t thread;
    int event; /* wakes the thread: a client has come, or the end */
    bool started;
    _Atomic bool called, stop; /* called: since the thread last looked */
    unsigned n_begun;          /* requests, of which the thread alone knows */
    /* Clients that the acceptor let in and the thread has not seen. */
    pthread_mutex_t mutex;
    struct arrival *first, **end;
    struct exchange *spare;
    unsigned n_spare;
    _Atomic unsigned n_conns; /* counted up by the acceptor, down by the loop */
    struct rng rng;
    struct ids ids;
};

struct http_server {
    struct http_app app;
    struct clock clock;
    size_t body_limit;
    int64_t request_ms;
    struct loop *loops;
    unsigned n_loops;
    struct deadline deadline;
    struct defer defer;
    struct acceptor acceptor;
    /* Exchanges under way, and who waits for the last one. */
    _Atomic unsigned under_way;
    _Atomic unsigned n_streams;
    unsigned most_streams;
    _Atomic bool stopping;
    pthread_mutex_t mutex;
    pthread_cond_t idle;
};

/* The client has MS milliseconds from now; 0: as long as the server takes. */
void conn_due_in(struct conn *conn, int64_t ms);

/* Fills the response with the application's words for ERR. */
void exchange_refuse(struct exchange *x, const struct http_app *app, const struct error *err);

MUST_CHECK bool loop_start(struct loop *loop, struct http_server *server);
/* Joins the thread and closes all connections; none may be suspended. */
void loop_stop(struct loop *loop);
/* Serves the client at FD, a non-blocking socket that is the loop's from now on. Of any thread. */
void loop_take(struct loop *loop, int fd, const struct sockaddr_storage *addr, socklen_t addr_size);
/* X's connection is suspended no more: its thread goes on with it, and may do so before this returns. Of any thread. */
void loop_resume(const struct exchange *x);
/* A connection is no more. */
void loop_left(struct loop *loop);

/* The callbacks of libmicrohttpd; CLS is the loop. */
void *loop_target(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result loop_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                            const char *version, const char *data, size_t *data_size, void **exchange);
void loop_completed(void *cls, struct MHD_Connection *mhd, void **exchange, enum MHD_RequestTerminationCode why);
void loop_connection(void *cls, struct MHD_Connection *mhd, void **conn, enum MHD_ConnectionNotificationCode what);
/* Frees the spare exchanges. */
void loop_finish(struct loop *loop);
