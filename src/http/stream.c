#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/internal.h"

/*
 * An exchange in parts belongs to its event thread and to a worker in turn, like one that is deferred. A stream is
 * written to by others at any time, so it has a mutex. Whoever has nothing to send is suspended in the reader, which is
 * where libmicrohttpd allows it, and is resumed exactly once for each time: `is_suspended` says whether it has to be.
 */

enum {
    BLOCK = 2 << 10, /* bytes at a time for a client of HTTP/1.0; others get as much as the connection has room for */
    SEND_BUFFER = 64 << 10, /* of the kernel's, for a stream */
    KEEP_UNSENT = 2 << 10,  /* a larger buffer is freed when it was sent */
};

struct http_stream {
    pthread_mutex_t mutex;
    _Atomic unsigned keepers;
    struct buf unsent;
    size_t taken;       /* of it, by libmicrohttpd */
    struct exchange *x; /* while it is being sent */
    bool is_suspended, is_ended, is_over;
};

struct http_stream *http_stream_open(struct http_response *response) {
    struct http_stream *stream = calloc(1, sizeof *stream);
    if (!stream) abort();
    pthread_mutex_init(&stream->mutex, NULL);
    atomic_init(&stream->keepers, 1);
    buf_init(&stream->unsent, HTTP_STREAM_MOST);
    http_stream_let_go(response->stream);
    response->stream = stream;
    return stream;
}

struct http_stream *http_stream_keep(struct http_stream *stream) {
    atomic_fetch_add(&stream->keepers, 1);
    return stream;
}

void http_stream_let_go(struct http_stream *stream) {
    if (!stream || atomic_fetch_sub(&stream->keepers, 1) > 1) return;
    buf_finish(&stream->unsent);
    pthread_mutex_destroy(&stream->mutex);
    free(stream);
}

/* Under the mutex. */
static void wake(struct http_stream *stream) {
    if (!stream->is_suspended) return;
    stream->is_suspended = false;
    loop_resume(stream->x);
}

/* Under the mutex. */
static void give_up(struct http_stream *stream) {
    stream->is_over = true;
    buf_finish(&stream->unsent);
    stream->taken = 0;
    wake(stream);
}

void stream_break(struct http_stream *stream) {
    pthread_mutex_lock(&stream->mutex);
    give_up(stream);
    pthread_mutex_unlock(&stream->mutex);
}

/* What was taken already makes room. Under the mutex. */
static void make_room(struct http_stream *stream) {
    struct buf *unsent = &stream->unsent;
    if (!stream->taken) return;
    memmove(unsent->p, unsent->p + stream->taken, unsent->n - stream->taken);
    unsent->n -= stream->taken;
    stream->taken = 0;
}

bool http_stream_write(struct http_stream *stream, struct str text) {
    pthread_mutex_lock(&stream->mutex);
    if (!stream->is_over && !stream->is_ended) {
        make_room(stream);
        buf_add(&stream->unsent, text);
        if (buf_ok(&stream->unsent)) {
            wake(stream);
        } else {
            give_up(stream);
            /* libmicrohttpd waits for the client to take something, and notices no more than that. */
            if (stream->x) atomic_store_explicit(&stream->x->conn->due, 1, memory_order_relaxed);
        }
    }
    bool goes_on = !stream->is_over && !stream->is_ended;
    pthread_mutex_unlock(&stream->mutex);
    return goes_on;
}

void http_stream_end(struct http_stream *stream) {
    pthread_mutex_lock(&stream->mutex);
    stream->is_ended = true;
    wake(stream);
    pthread_mutex_unlock(&stream->mutex);
}

bool http_stream_is_over(struct http_stream *stream) {
    pthread_mutex_lock(&stream->mutex);
    bool is_over = stream->is_over || stream->is_ended;
    pthread_mutex_unlock(&stream->mutex);
    return is_over;
}

/* ---- what libmicrohttpd asks for, on the event thread ---- */

static size_t take(const struct buf *from, size_t *taken, char *to, size_t most) {
    size_t n = from->n - *taken;
    if (n > most) n = most;
    if (n) memcpy(to, from->p + *taken, n);
    *taken += n;
    return n;
}

static ssize_t next_part(struct exchange *x) {
    struct http_server *server = x->conn->loop->server;
    if (x->part == HTTP_PART_LAST) return MHD_CONTENT_READER_END_OF_STREAM;
    if (x->part == HTTP_PART_BROKEN || !buf_ok(&x->response.body)) return MHD_CONTENT_READER_END_WITH_ERROR;
    buf_clear(&x->response.body);
    x->taken = 0;
    conn_due_in(x->conn, 0);
    return defer_push(&server->defer, x) ? 0 : MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t next_of_stream(struct exchange *x, char *to, size_t most) {
    struct http_stream *stream = x->response.stream;
    pthread_mutex_lock(&stream->mutex);
    ssize_t n = (ssize_t)take(&stream->unsent, &stream->taken, to, most);
    if (stream->is_over) {
        n = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (n) {
        if (stream->taken == stream->unsent.n) {
            if (stream->unsent.cap > KEEP_UNSENT) buf_finish(&stream->unsent);
            buf_clear(&stream->unsent);
            stream->taken = 0;
        }
    } else if (stream->is_ended) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        conn_due_in(x->conn, 0);
        MHD_suspend_connection(x->mhd);
        stream->is_suspended = true;
    }
    pthread_mutex_unlock(&stream->mutex);
    return n;
}

/* Called when the client has taken what was given before. */
static ssize_t read_on(void *cls, uint64_t position, char *to, size_t most) {
    struct exchange *x = cls;
    (void)position;
    conn_due_in(x->conn, x->conn->loop->server->request_ms);
    size_t n = take(&x->response.body, &x->taken, to, most);
    if (n) return (ssize_t)n;
    return x->response.stream ? next_of_stream(x, to, most) : next_part(x);
}

/* ---- its life ---- */

bool stream_enter(struct exchange *x) {
    struct http_server *server = x->conn->loop->server;
    x->is_streamed = atomic_fetch_add(&server->n_streams, 1) < server->most_streams;
    if (!x->is_streamed) atomic_fetch_sub(&server->n_streams, 1);
    return x->is_streamed;
}

struct MHD_Response *stream_response(struct exchange *x) {
    struct MHD_Response *mhd = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_on, x, NULL);
    struct http_stream *stream = x->response.stream;
    x->part = HTTP_PART_MORE;
    /* libmicrohttpd sends the last chunk of a body that it does not send (0.9.75): without chunks, there is none. */
    if (mhd && str_is(x->request.method, "HEAD"))
        MHD_set_response_options(mhd, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    if (!mhd || !stream) return mhd;
    /* The kernel would hold megabytes for a client that reads nothing, before anybody notices. */
    int most = SEND_BUFFER;
    (void)setsockopt(x->conn->fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
    pthread_mutex_lock(&stream->mutex);
    stream->x = x;
    pthread_mutex_unlock(&stream->mutex);
    deadline_watch(&x->conn->loop->server->deadline, x->conn, stream);
    return mhd;
}

void stream_completed(struct exchange *x) {
    struct http_server *server = x->conn->loop->server;
    struct http_stream *stream = x->response.stream;
    if (x->is_streamed) atomic_fetch_sub(&server->n_streams, 1);
    x->is_streamed = false;
    x->taken = 0;
    if (!stream) return;
    deadline_watch(&server->deadline, x->conn, NULL);
    pthread_mutex_lock(&stream->mutex);
    stream->is_over = true;
    stream->x = NULL;
    pthread_mutex_unlock(&stream->mutex);
}
