#include "driver/dns/carry.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LENGTH_BYTES = 2 };

bool carry_server_of(const char *host, uint16_t port, struct carry_server *ret) {
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &found)) return false;
    bool ok = found->ai_addrlen <= sizeof ret->address;
    if (ok) {
        *ret = (struct carry_server){.size = found->ai_addrlen};
        memcpy(&ret->address, found->ai_addr, found->ai_addrlen);
        snprintf(ret->text, sizeof ret->text, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    }
    freeaddrinfo(found);
    return ok;
}

static bool fail(char why[CARRY_WHY], const char *text) {
    snprintf(why, CARRY_WHY, "%s", text);
    return false;
}

static bool fail_errno(char why[CARRY_WHY]) {
    return fail(why, errno == EPIPE || errno == ECONNRESET ? "the connection was closed" : strerror(errno));
}

/* Until FD is ready for EVENTS or broken. */
static bool wait_for(int fd, short events, int64_t until_ms, char why[CARRY_WHY]) {
    for (;;) {
        int64_t left = until_ms - clock_steady_ms();
        if (left <= 0) return fail(why, "no answer in time");
        struct pollfd one = {.fd = fd, .events = events};
        int n = poll(&one, 1, left > 60000 ? 60000 : (int)left);
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return fail_errno(why);
    }
}

static bool would_wait(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int open_to(const struct carry_server *server, int type, char why[CARRY_WHY]) {
    int fd = socket(server->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (!connect(fd, (const struct sockaddr *)&server->address, server->size) || errno == EINPROGRESS))
        return fd;
    (void)fail_errno(why);
    carry_close(fd);
    return -1;
}

/* ---- UDP ---- */

static bool receive_fitting(int fd, int64_t until_ms, bool (*fits)(void *arg, struct str message), void *arg,
                            struct arena *arena, struct str *ret, char why[CARRY_WHY]) {
    char *bytes = arena_alloc(arena, CARRY_MAX_BYTES);
    for (;;) {
        if (!wait_for(fd, POLLIN, until_ms, why)) return false;
        ssize_t n = recv(fd, bytes, CARRY_MAX_BYTES, 0);
        if (n < 0 && !would_wait()) return fail_errno(why);
        struct str message = {bytes, n < 0 ? 0 : (size_t)n};
        if (n < 0 || !fits(arg, message)) continue;
        *ret = message;
        return true;
    }
}

bool carry_udp(const struct carry_server *server, struct str message, int64_t until_ms,
               bool (*fits)(void *arg, struct str message), void *arg, struct arena *arena, struct str *ret,
               char why[CARRY_WHY]) {
    /* Connected, so that the kernel takes datagrams of that address and port alone, and says when nobody listens. */
    int fd = open_to(server, SOCK_DGRAM, why);
    if (fd < 0) return false;
    bool ok = send(fd, message.p, message.n, MSG_NOSIGNAL) == (ssize_t)message.n
                  ? receive_fitting(fd, until_ms, fits, arg, arena, ret, why)
                  : fail_errno(why);
    carry_close(fd);
    return ok;
}

/* ---- TCP: each message after its length ---- */

int carry_connect(const struct carry_server *server, int64_t until_ms, char why[CARRY_WHY]) {
    int fd = open_to(server, SOCK_STREAM, why);
    if (fd < 0) return -1;
    int fault = 0;
    socklen_t size = sizeof fault;
    bool ok = wait_for(fd, POLLOUT, until_ms, why);
    if (ok && getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size)) fault = errno;
    if (fault) ok = fail(why, strerror(fault));
    /* Several questions go out one behind the other: none waits until the one before has arrived. */
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (ok) return fd;
    carry_close(fd);
    return -1;
}

bool carry_send(int fd, struct str message, int64_t until_ms, char why[CARRY_WHY]) {
    if (message.n > CARRY_MAX_BYTES) return fail(why, "the message is too long");
    char bytes[LENGTH_BYTES + CARRY_MAX_BYTES];
    bytes[0] = (char)(message.n >> 8);
    bytes[1] = (char)(message.n & 0xff);
    memcpy(bytes + LENGTH_BYTES, message.p, message.n);
    for (size_t at = 0, all = message.n + LENGTH_BYTES; at < all;) {
        ssize_t n = send(fd, bytes + at, all - at, MSG_NOSIGNAL);
        if (n >= 0)
            at += (size_t)n;
        else if (!would_wait())
            return fail_errno(why);
        else if (!wait_for(fd, POLLOUT, until_ms, why))
            return false;
    }
    return true;
}

static bool receive_bytes(int fd, char *bytes, size_t all, int64_t until_ms, char why[CARRY_WHY]) {
    for (size_t at = 0; at < all;) {
        if (!wait_for(fd, POLLIN, until_ms, why)) return false;
        ssize_t n = recv(fd, bytes + at, all - at, 0);
        if (n == 0) return fail(why, "the connection was closed");
        if (n > 0)
            at += (size_t)n;
        else if (!would_wait())
            return fail_errno(why);
    }
    return true;
}

bool carry_receive(int fd, int64_t until_ms, struct arena *arena, struct str *ret, char why[CARRY_WHY]) {
    unsigned char length[LENGTH_BYTES];
    /* A server that waits until its last answer has arrived before it sends the next hears of it at once. */
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    if (!receive_bytes(fd, (char *)length, sizeof length, until_ms, why)) return false;
    size_t n = (size_t)length[0] << 8 | length[1];
    char *bytes = arena_alloc(arena, n + 1);
    if (!receive_bytes(fd, bytes, n, until_ms, why)) return false;
    *ret = (struct str){bytes, n};
    return true;
}

void carry_close(int fd) {
    if (fd >= 0) close(fd);
}
