#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/internal.h"

/*
 * libmicrohttpd has an event thread of its own, but it can go to sleep over requests: it takes 128 events at a time,
 * and after a full batch it waits for more before it serves those (0.9.75, MHD_epoll). So the waiting is done here, and
 * libmicrohttpd, which never waits, only serves.
 */

enum {
    /* Of a connection, for the header fields of a request and then those of the answer; zeroed for each request. About
     * 6.5 KiB of fields fit, and 10,000 idle connections stay under 100 MiB. */
    CONNECTION_MEMORY = 7680,
    /* libmicrohttpd counts a connection a little longer than the acceptor, which keeps the real limit. */
    SPARE_CONNECTIONS = 16,
};

/* A client that was let in and is not libmicrohttpd's yet. */
struct arrival {
    struct arrival *next;
    int fd;
    socklen_t addr_size;
    struct sockaddr_storage addr;
};

void loop_left(struct loop *loop) {
    atomic_fetch_sub(&loop->n_conns, 1);
    acceptor_freed(&loop->server->acceptor);
}

static struct arrival *detach_arrivals(struct loop *loop) {
    pthread_mutex_lock(&loop->mutex);
    struct arrival *first = loop->first;
    loop->first = NULL;
    loop->end = &loop->first;
    pthread_mutex_unlock(&loop->mutex);
    return first;
}

static void serve_arrivals(struct loop *loop) {
    for (struct arrival *a = detach_arrivals(loop), *next; a; a = next) {
        next = a->next;
        /* Closes the descriptor itself when it fails. */
        if (MHD_add_connection(loop->mhd, a->fd, (const struct sockaddr *)&a->addr, a->addr_size) != MHD_YES)
            loop_left(loop);
        free(a);
    }
}

static void *serve(void *arg) {
    struct loop *loop = arg;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd wait[2] = {{.fd = info->epoll_fd, .events = POLLIN}, {.fd = loop->event, .events = POLLIN}};
    while (!atomic_load_explicit(&loop->stop, memory_order_relaxed)) {
        unsigned before = loop->n_begun;
        if (atomic_load_explicit(&loop->called, memory_order_relaxed)) {
            atomic_store(&loop->called, false);
            serve_arrivals(loop);
        }
        MHD_run_wait(loop->mhd, 0);
        /* While requests come, the next ones are mostly there already: one system call less than asking first. */
        MHD_UNSIGNED_LONG_LONG ms;
        if (loop->n_begun != before || (MHD_get_timeout(loop->mhd, &ms) == MHD_YES && ms == 0)) continue;
        poll(wait, 2, -1);
        if (wait[1].revents) event_empty(loop->event);
    }
    return NULL;
}

/* What is to be seen was put in its place before; called is taken back before that is looked at. */
static void wake(struct loop *loop) {
    if (!atomic_exchange(&loop->called, true)) event_raise(loop->event);
}

bool loop_start(struct loop *loop, struct http_server *server) {
    loop->server = server;
    loop->end = &loop->first;
    pthread_mutex_init(&loop->mutex, NULL);
    /* Request ids need to be unique, not secret; a system call for each would cost a tenth of the rate. */
    uint64_t seed;
    randombytes_buf(&seed, sizeof seed);
    loop->rng = rng_seeded(seed);
    ids_init(&loop->ids, &server->clock, &loop->rng);
    loop->event = event_open();
    /* No MHD_OPTION_CONNECTION_TIMEOUT: it restarts with each byte; deadline.c covers every case that it would. */
    loop->mhd =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL,
                         NULL, loop_handle, loop, MHD_OPTION_URI_LOG_CALLBACK, loop_target, loop,
                         MHD_OPTION_NOTIFY_COMPLETED, loop_completed, loop, MHD_OPTION_NOTIFY_CONNECTION,
                         loop_connection, loop, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                         MHD_OPTION_CONNECTION_LIMIT, server->acceptor.most + SPARE_CONNECTIONS, MHD_OPTION_END);
    loop->started = loop->event >= 0 && loop->mhd && pthread_create(&loop->thread, NULL, serve, loop) == 0;
    if (!loop->started) loop_stop(loop);
    return loop->started;
}

void loop_stop(struct loop *loop) {
    if (loop->started) {
        atomic_store(&loop->stop, true);
        wake(loop);
        pthread_join(loop->thread, NULL);
    }
    MHD_stop_daemon(loop->mhd);
    for (struct arrival *a = detach_arrivals(loop), *next; a; a = next) {
        next = a->next;
        close(a->fd);
        free(a);
    }
    if (loop->event >= 0) close(loop->event);
    pthread_mutex_destroy(&loop->mutex);
}

void loop_take(struct loop *loop, int fd, const struct sockaddr_storage *addr, socklen_t addr_size) {
    atomic_fetch_add(&loop->n_conns, 1);
    struct arrival *a = malloc(sizeof *a);
    if (!a) {
        close(fd);
        loop_left(loop);
        return;
    }
    *a = (struct arrival){.fd = fd, .addr = *addr, .addr_size = addr_size};
    pthread_mutex_lock(&loop->mutex);
    *loop->end = a;
    loop->end = &a->next;
    pthread_mutex_unlock(&loop->mutex);
    wake(loop);
}

void loop_resume(const struct exchange *x) {
    struct loop *loop = x->conn->loop;
    MHD_resume_connection(x->mhd);
    wake(loop);
}
