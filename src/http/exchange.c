#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

enum {
    ANSWER_MAX = 64 << 20,
    DISCARD_MAX = 64 << 20, /* a body over the limit is read up to here, so that its sender gets to see the answer */
    KEEP_BUFFER = 64 << 10, /* larger ones are not kept for the next request */
    KEEP_SPARE = 64,
    SEND_TIMES = 4,      /* the time to take an answer, in times of a request, ... */
    SEND_RATE = 4 << 10, /* ... and for a large one a millisecond more for so many bytes */
};

/* ---- exchanges ---- */

static struct exchange *exchange_take(struct loop *loop) {
    struct exchange *x = loop->spare;
    if (x) {
        loop->spare = x->next;
        loop->n_spare--;
        return x;
    }
    x = calloc(1, sizeof *x);
    if (!x) return NULL;
    x->arena = arena_create(16 << 10);
    buf_init(&x->body, loop->server->body_limit);
    buf_init(&x->response.body, ANSWER_MAX);
    return x;
}

static void exchange_destroy(struct exchange *x) {
    arena_destroy(x->arena);
    buf_finish(&x->body);
    buf_finish(&x->response.body);
    free(x);
}

static void buffer_recycle(struct buf *buf, size_t max) {
    if (buf->cap > KEEP_BUFFER) buf_finish(buf);
    buf_clear(buf);
    buf->max = max;
}

static void response_clear(struct http_response *response) {
    buffer_recycle(&response->body, ANSWER_MAX);
    response->status = 0;
    response->content_type = NULL;
    response->n_headers = 0;
    response->in_parts = false;
    if (response->stream) stream_break(response->stream); /* others may still have it */
    http_stream_let_go(response->stream);
    response->stream = NULL;
}

static void exchange_give_back(struct loop *loop, struct exchange *x) {
    response_clear(&x->response);
    if (loop->n_spare == KEEP_SPARE) {
        exchange_destroy(x);
        return;
    }
    arena_reset(x->arena);
    buffer_recycle(&x->body, loop->server->body_limit);
    x->discarded = 0;
    x->close = false;
    x->state = NULL;
    x->request = (struct http_request){0};
    x->next = loop->spare;
    loop->spare = x;
    loop->n_spare++;
}

void loop_finish(struct loop *loop) {
    while (loop->spare) {
        struct exchange *x = loop->spare;
        loop->spare = x->next;
        exchange_destroy(x);
    }
}

void exchange_refuse(struct exchange *x, const struct http_app *app, const struct error *err) {
    response_clear(&x->response);
    x->response.status = error_status(err->code);
    app->refuse(app->ctx, err, &x->response);
}

/* ---- answering ---- */

void conn_due_in(struct conn *conn, int64_t ms) {
    atomic_store_explicit(&conn->due, ms ? monotonic_ms() + ms : 0, memory_order_relaxed);
}

static bool is_streamed(const struct http_response *response) {
    return response->in_parts || response->stream;
}

static enum MHD_Result answer(struct exchange *x) {
    struct http_server *server = x->conn->loop->server;
    struct http_response *response = &x->response;
    if (!buf_ok(&response->body) || response->status < 200 || response->status > 599) {
        struct error err;
        error_set(&err, ERR_INTERNAL, "The answer could not be built.");
        exchange_refuse(x, &server->app, &err);
        if (!buf_ok(&response->body)) buf_clear(&response->body);
    }
    if (is_streamed(response) && !stream_enter(x)) {
        struct error err;
        error_set(&err, ERR_UNAVAILABLE, "Too many streams are open here. Close those you do not need; try again.");
        exchange_refuse(x, &server->app, &err);
    }
    struct str body = buf_str(&response->body);
    /* The bytes stay ours: they are not touched until loop_completed, and libmicrohttpd is done with them by then. */
    struct MHD_Response *mhd = x->is_streamed
                                   ? stream_response(x)
                                   : MHD_create_response_from_buffer(body.n, response->body.p, MHD_RESPMEM_PERSISTENT);
    if (!mhd) return MHD_NO;
    if (body.n || x->is_streamed)
        MHD_add_response_header(mhd, "content-type",
                                response->content_type ? response->content_type : "application/json; charset=utf-8");
    MHD_add_response_header(mhd, "x-request-id", x->request.id);
    for (size_t i = 0; i < response->n_headers; i++)
        MHD_add_response_header(mhd, response->headers[i].name, response->headers[i].value);
    if (x->close || atomic_load_explicit(&server->stopping, memory_order_relaxed))
        MHD_add_response_header(mhd, "Connection", "close");
    conn_due_in(x->conn, SEND_TIMES * server->request_ms + (int64_t)(body.n / SEND_RATE));
    x->stage = STAGE_ANSWERED;
    enum MHD_Result result = MHD_queue_response(x->mhd, (unsigned)response->status, mhd);
    MHD_destroy_response(mhd);
    return result;
}

static enum MHD_Result refuse(struct exchange *x, const struct error *err) {
    exchange_refuse(x, &x->conn->loop->server->app, err);
    return answer(x);
}

static enum MHD_Result defer(struct exchange *x) {
    if (defer_push(&x->conn->loop->server->defer, x)) return MHD_YES;
    struct error err;
    error_set(&err, ERR_UNAVAILABLE, "The server is busy. Nothing was done; try again shortly.");
    return refuse(x, &err);
}

/* EARLY: the body was not waited for. */
static enum MHD_Result begin(struct exchange *x, bool early) {
    const struct http_app *app = &x->conn->loop->server->app;
    atomic_store_explicit(&x->conn->due, 0, memory_order_relaxed);
    if (!x->request.body_too_large) x->request.body = buf_str(&x->body);
    if (app->begin(app->ctx, &x->request, x->arena, &x->response, &x->state) == HTTP_ANSWER) return answer(x);
    x->stage = STAGE_DEFERRED;
    /*
     * Not suspended right here but in the next round of the event loop: libmicrohttpd tries to read on a connection
     * that it resumes if it was suspended while reading, and then takes the half-closed one of a client that awaits
     * its answer for dead. After this call the connection counts as blocked, and stays so when it is resumed.
     */
    return early ? defer(x) : MHD_YES;
}

/* ---- receiving ---- */

static enum MHD_Result handle_head(struct exchange *x, const char *url, const char *method, const char *version) {
    struct http_request *request = &x->request;
    struct http_server *server = x->conn->loop->server;
    struct error err;
    struct head head;
    head_read(x->mhd, method, url, version, &head);
    x->stage = STAGE_BODY;
    request->method = str_of(method);
    request->has_body = head.content_lengths || head.transfer_encodings;
    /* VERSION follows the target and one space in the request line. */
    size_t sent = (size_t)((uintptr_t)version - (uintptr_t)url) - 1;
    if (!target_split(x->target, sent, &request->path, &request->query, &err) || !head_check(&head, version, &err)) {
        /* An answer before the body makes libmicrohttpd close the connection; that is wanted here. */
        return refuse(x, &err);
    }
    if (head.content_length > (int64_t)server->body_limit) {
        request->body_too_large = true;
        /* Who asks first, or announces more than is worth reading, gets the answer at once. */
        if (head.expects_continue || head.content_length > DISCARD_MAX) return begin(x, true);
    }
    return MHD_YES;
}

static enum MHD_Result handle_data(struct exchange *x, const char *data, size_t *size) {
    size_t n = *size;
    *size = 0;
    if (!x->request.body_too_large) {
        buf_add(&x->body, (struct str){data, n});
        if (buf_ok(&x->body)) return MHD_YES;
        x->request.body_too_large = true;
        x->discarded = x->body.n;
        buf_finish(&x->body);
    }
    x->discarded += n;
    /* Only an endless chunked body gets here; there is no way to answer amid a body. */
    return x->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

void *loop_target(void *cls, const char *target, struct MHD_Connection *mhd) {
    struct loop *loop = cls;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct conn *conn = info ? info->socket_context : NULL;
    struct exchange *x = conn ? exchange_take(loop) : NULL;
    if (!x) return NULL;
    atomic_fetch_add(&loop->server->under_way, 1);
    loop->n_begun++;
    atomic_store_explicit(&conn->unchecked, false, memory_order_relaxed);
    x->conn = conn;
    x->mhd = mhd;
    x->stage = STAGE_HEAD;
    x->target = arena_str(x->arena, str_of(target));
    x->request.peer = str_of(conn->peer);
    x->request.impl = x;
    ids_uuid(&loop->ids, x->request.id);
    return x;
}

enum MHD_Result loop_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                            const char *version, const char *data, size_t *data_size, void **exchange) {
    struct exchange *x = *exchange;
    (void)cls, (void)mhd;
    if (!x) return MHD_NO;
    if (data) return handle_data(x, data, data_size);
    switch (x->stage) {
    case STAGE_HEAD:
        return handle_head(x, url, method, version);
    case STAGE_BODY:
        return begin(x, false);
    case STAGE_DEFERRED:
        return defer(x);
    case STAGE_DONE:
        return answer(x);
    case STAGE_RUNNING:
    case STAGE_ANSWERED:
    case STAGE_PART:
        break;
    }
    return MHD_NO;
}

void loop_completed(void *cls, struct MHD_Connection *mhd, void **exchange, enum MHD_RequestTerminationCode why) {
    struct loop *loop = cls;
    struct http_server *server = loop->server;
    struct exchange *x = *exchange;
    (void)mhd, (void)why;
    if (!x) return;
    *exchange = NULL;
    stream_completed(x);
    conn_due_in(x->conn, server->request_ms);
    atomic_store_explicit(&x->conn->unchecked, true, memory_order_relaxed);
    exchange_give_back(loop, x);
    if (atomic_fetch_sub(&server->under_way, 1) == 1 && atomic_load(&server->stopping)) {
        pthread_mutex_lock(&server->mutex);
        pthread_cond_broadcast(&server->idle);
        pthread_mutex_unlock(&server->mutex);
    }
}

/* ---- connections ---- */

static void peer_format(const struct sockaddr *addr, char *to, size_t size) {
    *to = '\0';
    if (addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, to, (socklen_t)size);
    if (addr->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, to, (socklen_t)size);
    /* An IPv4 client of a socket for both families. */
    if (strncmp(to, "::ffff:", 7) == 0 && strchr(to, '.')) memmove(to, to + 7, strlen(to + 7) + 1);
}

void loop_connection(void *cls, struct MHD_Connection *mhd, void **conn, enum MHD_ConnectionNotificationCode what) {
    struct loop *loop = cls;
    struct http_server *server = loop->server;
    struct conn *c = *conn;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        c = calloc(1, sizeof *c);
        *conn = c;
        if (!c) return; /* without it every request is dropped */
        c->loop = loop;
        c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        peer_format(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, c->peer,
                    sizeof c->peer);
        conn_due_in(c, server->request_ms);
        deadline_add(&server->deadline, c);
        return;
    }
    if (c) deadline_remove(&server->deadline, c);
    free(c);
    *conn = NULL;
    loop_left(loop);
}
