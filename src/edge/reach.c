#include "edge/reach.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

static socklen_t size_of(const struct sockaddr_storage *to) {
    return to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* The descriptor to wait for; -1 when there is no need to. */
static int begin(struct reach *one) {
    int fd = socket(one->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    one->is_open = connect(fd, (const struct sockaddr *)&one->to, size_of(&one->to)) == 0;
    if (!one->is_open && errno == EINPROGRESS) return fd;
    close(fd);
    return -1;
}

static void end(struct reach *one, struct pollfd *wait) {
    int error = 0;
    socklen_t size = sizeof error;
    one->is_open = getsockopt(wait->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && !error;
    close(wait->fd);
    wait->fd = -1;
}

static bool is_over(const struct reach *tries, const struct pollfd *waits, size_t n, size_t first) {
    for (size_t i = 0; i < first && i < n; i++)
        if (tries[i].is_open) return true;
    for (size_t i = 0; i < n; i++)
        if (waits[i].fd >= 0) return false;
    return true;
}

void reach_try(struct reach *tries, size_t n, size_t first, int limit_ms) {
    struct pollfd waits[REACH_MAX];
    if (n > REACH_MAX) n = REACH_MAX;
    for (size_t i = 0; i < n; i++) waits[i] = (struct pollfd){.fd = begin(&tries[i]), .events = POLLOUT};
    int64_t until = clock_steady_ms() + limit_ms;
    while (!is_over(tries, waits, n, first)) {
        int64_t left = until - clock_steady_ms();
        if (left <= 0 || (poll(waits, (nfds_t)n, (int)left) < 0 && errno != EINTR)) break;
        for (size_t i = 0; i < n; i++)
            if (waits[i].fd >= 0 && waits[i].revents) end(&tries[i], &waits[i]);
    }
    for (size_t i = 0; i < n; i++)
        if (waits[i].fd >= 0) close(waits[i].fd);
}
