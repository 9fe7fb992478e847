#define _GNU_SOURCE /* POLLRDHUP, CLOCK_MONOTONIC_COARSE */
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "http/internal.h"

enum {
    SETTLE_MS = 100, /* who sends requests without a pause is not looked at */
    WATCH_MS = 1000, /* how often the clients of streams are looked at */
};

/* A few milliseconds late, which no deadline minds, and a third of the price. */
int64_t monotonic_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void cond_init_monotonic(pthread_cond_t *cond) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t at) {
    struct timespec t = {.tv_sec = (time_t)(at / 1000), .tv_nsec = (long)(at % 1000) * 1000000};
    return pthread_cond_timedwait(cond, mutex, &t) == 0;
}

/*
 * A client that half-closes right behind its request waits for the end of the connection. libmicrohttpd answers, but
 * does not notice the end of input when it arrived together with the request (it waits for an edge that was already
 * reported). So each connection that stays idle after an answer is looked at once.
 */
static void check_half_close(struct conn *c, int64_t due, int64_t now, int64_t request_ms) {
    if (now < due - request_ms + SETTLE_MS || !atomic_exchange(&c->unchecked, false)) return;
    struct pollfd ask = {.fd = c->fd, .events = POLLRDHUP};
    /* When the next request begins meanwhile, DUE is another and nothing happens. */
    if (poll(&ask, 1, 0) == 1) atomic_compare_exchange_strong(&c->due, &due, now);
}

/* libmicrohttpd does not look at a connection while it is suspended, as that of a stream is that has nothing to send.
 * Who sends no more has left: there is nobody to hear what a stream says when it has nothing to say. */
static void check_listener(const struct conn *c) {
    struct pollfd ask = {.fd = c->fd, .events = POLLRDHUP};
    if (poll(&ask, 1, 0) == 1) stream_break(c->stream);
}

static void *sweep(void *arg) {
    struct deadline *deadline = arg;
    int64_t step = deadline->request_ms / 8; /* the most that a connection is cut late */
    step = step < 10 ? 10 : step > 250 ? 250 : step;
    int64_t watched = 0;
    pthread_mutex_lock(&deadline->mutex);
    while (!deadline->stop) {
        int64_t now = monotonic_ms();
        bool watches = now - watched >= WATCH_MS;
        if (watches) watched = now;
        for (struct conn *c = deadline->first; c; c = c->next) {
            int64_t due = atomic_load_explicit(&c->due, memory_order_relaxed);
            /* Nothing but a shutdown: the descriptor stays libmicrohttpd's, whose event thread sees the end at once. */
            if (due && due <= now) {
                if (atomic_compare_exchange_strong(&c->due, &due, 0)) shutdown(c->fd, SHUT_RDWR);
            } else if (due && atomic_load_explicit(&c->unchecked, memory_order_relaxed)) {
                check_half_close(c, due, now, deadline->request_ms);
            } else if (watches && c->stream) {
                check_listener(c);
            }
        }
        cond_wait_until(&deadline->wake, &deadline->mutex, now + step);
    }
    pthread_mutex_unlock(&deadline->mutex);
    return NULL;
}

bool deadline_start(struct deadline *deadline, int64_t request_ms) {
    deadline->request_ms = request_ms;
    pthread_mutex_init(&deadline->mutex, NULL);
    cond_init_monotonic(&deadline->wake);
    deadline->started = pthread_create(&deadline->thread, NULL, sweep, deadline) == 0;
    if (!deadline->started) {
        pthread_cond_destroy(&deadline->wake);
        pthread_mutex_destroy(&deadline->mutex);
    }
    return deadline->started;
}

void deadline_stop(struct deadline *deadline) {
    if (!deadline->started) return;
    pthread_mutex_lock(&deadline->mutex);
    deadline->stop = true;
    pthread_cond_signal(&deadline->wake);
    pthread_mutex_unlock(&deadline->mutex);
    pthread_join(deadline->thread, NULL);
    pthread_cond_destroy(&deadline->wake);
    pthread_mutex_destroy(&deadline->mutex);
    deadline->started = false;
}

void deadline_add(struct deadline *deadline, struct conn *conn) {
    pthread_mutex_lock(&deadline->mutex);
    conn->prev = NULL;
    conn->next = deadline->first;
    if (conn->next) conn->next->prev = conn;
    deadline->first = conn;
    pthread_mutex_unlock(&deadline->mutex);
}

void deadline_remove(struct deadline *deadline, struct conn *conn) {
    pthread_mutex_lock(&deadline->mutex);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        deadline->first = conn->next;
    if (conn->next) conn->next->prev = conn->prev;
    pthread_mutex_unlock(&deadline->mutex);
}

void deadline_watch(struct deadline *deadline, struct conn *conn, struct http_stream *stream) {
    pthread_mutex_lock(&deadline->mutex);
    conn->stream = stream;
    if (stream && deadline->no_streams) http_stream_end(stream);
    pthread_mutex_unlock(&deadline->mutex);
}

void deadline_end_streams(struct deadline *deadline) {
    if (!deadline->started) return;
    pthread_mutex_lock(&deadline->mutex);
    deadline->no_streams = true;
    for (const struct conn *c = deadline->first; c; c = c->next)
        if (c->stream) http_stream_end(c->stream);
    pthread_mutex_unlock(&deadline->mutex);
}
