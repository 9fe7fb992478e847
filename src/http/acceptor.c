#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/internal.h"

/*
 * libmicrohttpd could accept by itself, but it can only be told to stop that from another thread, where it may end the
 * process when the event thread looks at the same moment (0.9.75, MHD_quiesce_daemon). It also counts connections for
 * each loop, not for the server.
 */

static unsigned count_connections(const struct acceptor *acceptor) {
    unsigned n = 0;
    for (unsigned i = 0; i < acceptor->n_loops; i++) n += atomic_load(&acceptor->loops[i].n_conns);
    return n;
}

static void hand_over(struct acceptor *acceptor, int fd, const struct sockaddr_storage *addr, socklen_t addr_size) {
    struct loop *best = &acceptor->loops[0];
    for (unsigned i = 1; i < acceptor->n_loops; i++)
        if (atomic_load(&acceptor->loops[i].n_conns) < atomic_load(&best->n_conns)) best = &acceptor->loops[i];
    loop_take(best, fd, addr, addr_size);
}

/* Clients whose connection the kernel has made already would be cut off by the end of the listening socket. */
static void accept_rest(struct acceptor *acceptor) {
    while (count_connections(acceptor) < acceptor->most) {
        struct sockaddr_storage addr;
        socklen_t size = sizeof addr;
        int fd = accept4(acceptor->listener, (struct sockaddr *)&addr, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        hand_over(acceptor, fd, &addr, size);
    }
}

static void *accept_all(void *arg) {
    struct acceptor *acceptor = arg;
    while (!atomic_load(&acceptor->stop)) {
        struct sockaddr_storage addr;
        socklen_t size = sizeof addr;
        /* Set before counting: a connection that is closed after the count then wakes this thread. */
        atomic_store(&acceptor->full, true);
        bool full = count_connections(acceptor) >= acceptor->most;
        if (!full) atomic_store(&acceptor->full, false);
        int fd = full ? -1 : accept4(acceptor->listener, (struct sockaddr *)&addr, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_over(acceptor, fd, &addr, size);
            continue;
        }
        bool nothing_new = !full && (errno == EAGAIN || errno == EWOULDBLOCK);
        bool out_of_something = !full && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
        if (!full && !nothing_new && !out_of_something) continue; /* that client is gone already */
        struct pollfd wait[2] = {{.fd = acceptor->event, .events = POLLIN},
                                 {.fd = nothing_new ? acceptor->listener : -1, .events = POLLIN}};
        /* Nobody tells when descriptors or memory are free again, so look ten times a second. */
        poll(wait, 2, out_of_something ? 100 : -1);
        if (wait[0].revents) event_empty(acceptor->event);
    }
    accept_rest(acceptor);
    return NULL;
}

bool acceptor_bind(struct acceptor *acceptor, const char *host, uint16_t port, struct error *reterr) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found;
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return error_set(reterr, ERR_INVALID, "%.100s is not a numeric IPv4 or IPv6 address", host);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
              /* Accepted sockets inherit it. */
              setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
              bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
    int why = errno;
    bool v6 = found->ai_family == AF_INET6;
    freeaddrinfo(found);
    if (!ok) {
        if (fd >= 0) close(fd);
        return error_set(reterr, ERR_UNAVAILABLE, "cannot listen on %s%.100s%s:%u: %s", v6 ? "[" : "", host,
                         v6 ? "]" : "", (unsigned)port, strerror(why));
    }
    acceptor->listener = fd;
    return true;
}

bool acceptor_start(struct acceptor *acceptor) {
    acceptor->event = event_open();
    if (acceptor->event < 0) return false;
    acceptor->started = pthread_create(&acceptor->thread, NULL, accept_all, acceptor) == 0;
    return acceptor->started;
}

void acceptor_freed(struct acceptor *acceptor) {
    if (atomic_load(&acceptor->full) && atomic_exchange(&acceptor->full, false)) event_raise(acceptor->event);
}

void acceptor_stop(struct acceptor *acceptor) {
    if (acceptor->started) {
        atomic_store(&acceptor->stop, true);
        event_raise(acceptor->event);
        pthread_join(acceptor->thread, NULL);
        acceptor->started = false;
    }
    if (acceptor->listener >= 0) close(acceptor->listener);
    acceptor->listener = -1;
}
