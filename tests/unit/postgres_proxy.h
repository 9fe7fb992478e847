/*
 * postgres_proxy: stands between a store and its PostgreSQL, on a port of 127.0.0.1, and does to their connection what
 * networks do. A thread of its own; what it does next is set from the test's.
 */
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum proxy_mode {
    PROXY_PASS,
    PROXY_SILENT,      /* takes everything and answers nothing, new connections too */
    PROXY_DEAD,        /* ends all connections, and each new one at once */
    PROXY_REFUSE_ONE,  /* once: ends all connections, and the next one that is made */
    PROXY_LOSE_ANSWER, /* once: the next COMMIT arrives, its answer does not, and the connection ends */
    PROXY_LOSE_WAY,    /* the same, and is PROXY_DEAD from then on */
    PROXY_LOSE_COMMIT, /* once: the next COMMIT does not arrive, and the connection ends on both sides */
    PROXY_KEEP_COMMIT, /* once: the connection ends for the client; the next COMMIT arrives at proxy_let_go */
};

enum { PROXY_PAIRS = 64, PROXY_KEPT = 65536 };

struct proxy_pair {
    int client, server; /* -1: none */
    bool loses_answer;
};

struct proxy {
    char server[108];
    int listener, port;
    _Atomic int mode;
    _Atomic int kept; /* a connection to the server with a COMMIT that waits; -1: none */
    atomic_int connects;
    atomic_int swallowed; /* how often something of a client's was, by PROXY_SILENT */
    _Atomic bool ends;
    pthread_t thread;
    struct proxy_pair pairs[PROXY_PAIRS];
    char bytes[PROXY_KEPT];
    char kept_bytes[PROXY_KEPT]; /* that commit, while others come and go */
    size_t n_kept;
};

static inline void proxy_end_pair(struct proxy_pair *pair) {
    if (pair->client >= 0) close(pair->client);
    if (pair->server >= 0) close(pair->server);
    pair->client = pair->server = -1;
}

static inline int proxy_reach(const struct proxy *proxy) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, proxy->server, sizeof proxy->server);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address)) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline bool proxy_refuses(int mode) {
    return mode == PROXY_DEAD || mode == PROXY_REFUSE_ONE;
}

static inline void proxy_accept(struct proxy *proxy) {
    int fd = accept(proxy->listener, NULL, NULL);
    if (fd < 0) return;
    atomic_fetch_add(&proxy->connects, 1);
    int mode = atomic_load(&proxy->mode);
    if (mode == PROXY_REFUSE_ONE) atomic_store(&proxy->mode, PROXY_PASS);
    for (size_t i = 0; i < PROXY_PAIRS && !proxy_refuses(mode); i++) {
        struct proxy_pair *pair = &proxy->pairs[i];
        if (pair->client >= 0 || pair->server >= 0) continue;
        *pair = (struct proxy_pair){fd, proxy_reach(proxy), false};
        if (pair->server < 0) proxy_end_pair(pair);
        return;
    }
    close(fd);
}

static inline void proxy_write(int fd, const char *bytes, size_t n) {
    while (n) {
        ssize_t did = send(fd, bytes, n, MSG_NOSIGNAL);
        if (did <= 0) return;
        bytes += did;
        n -= (size_t)did;
    }
}

/* A pool that is new tells the server the text of COMMIT with the first one. */
static inline bool proxy_has_commit(const char *bytes, size_t n) {
    return memmem(bytes, n, "COMMIT\0", 7) != NULL;
}

/* From the client. */
static inline void proxy_forth(struct proxy *proxy, struct proxy_pair *pair) {
    ssize_t got = recv(pair->client, proxy->bytes, sizeof proxy->bytes, 0);
    if (got <= 0) {
        proxy_end_pair(pair);
        return;
    }
    size_t n = (size_t)got;
    int mode = atomic_load(&proxy->mode);
    if (mode >= PROXY_LOSE_ANSWER && proxy_has_commit(proxy->bytes, n)) {
        if (mode == PROXY_LOSE_COMMIT) {
            proxy_end_pair(pair);
        } else if (mode != PROXY_KEEP_COMMIT) {
            pair->loses_answer = true;
            proxy_write(pair->server, proxy->bytes, n);
        } else {
            memcpy(proxy->kept_bytes, proxy->bytes, n);
            proxy->n_kept = n;
            atomic_store(&proxy->kept, pair->server);
            pair->server = -1;
            proxy_end_pair(pair);
        }
        atomic_store(&proxy->mode, mode == PROXY_LOSE_WAY ? PROXY_DEAD : PROXY_PASS);
    } else if (mode == PROXY_SILENT) {
        atomic_fetch_add(&proxy->swallowed, 1);
    } else {
        proxy_write(pair->server, proxy->bytes, n);
    }
}

/* From the server. */
static inline void proxy_back(struct proxy *proxy, struct proxy_pair *pair) {
    char bytes[16384];
    ssize_t got = recv(pair->server, bytes, sizeof bytes, 0);
    if (got <= 0 || pair->loses_answer)
        proxy_end_pair(pair);
    else if (atomic_load(&proxy->mode) != PROXY_SILENT)
        proxy_write(pair->client, bytes, (size_t)got);
}

static inline void *proxy_run(void *arg) {
    struct proxy *proxy = arg;
    while (!atomic_load(&proxy->ends)) {
        struct pollfd fds[1 + 2 * PROXY_PAIRS] = {{proxy->listener, POLLIN, 0}};
        for (size_t i = 0; i < PROXY_PAIRS; i++) {
            struct proxy_pair *pair = &proxy->pairs[i];
            if (proxy_refuses(atomic_load(&proxy->mode))) proxy_end_pair(pair);
            fds[1 + 2 * i] = (struct pollfd){pair->client, POLLIN, 0};
            fds[2 + 2 * i] = (struct pollfd){pair->server, POLLIN, 0};
        }
        if (poll(fds, 1 + 2 * PROXY_PAIRS, 5) <= 0) continue;
        for (size_t i = 0; i < PROXY_PAIRS; i++) {
            struct proxy_pair *pair = &proxy->pairs[i];
            if (fds[1 + 2 * i].revents && pair->client == fds[1 + 2 * i].fd) proxy_forth(proxy, pair);
            if (fds[2 + 2 * i].revents && pair->server == fds[2 + 2 * i].fd) proxy_back(proxy, pair);
        }
        if (fds[0].revents) proxy_accept(proxy);
    }
    return NULL;
}

/* SERVER is the socket's path. */
static inline struct proxy *proxy_start(const char *server) {
    struct proxy *proxy = calloc(1, sizeof *proxy);
    if (!proxy) abort();
    assert_true(strlen(server) < sizeof proxy->server);
    snprintf(proxy->server, sizeof proxy->server, "%s", server);
    for (size_t i = 0; i < PROXY_PAIRS; i++) proxy->pairs[i].client = proxy->pairs[i].server = -1;
    atomic_store(&proxy->kept, -1);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(proxy->listener, (const struct sockaddr *)&address, n) || listen(proxy->listener, 64) ||
        getsockname(proxy->listener, (struct sockaddr *)&address, &n))
        abort();
    proxy->port = ntohs(address.sin_port);
    pthread_create(&proxy->thread, NULL, proxy_run, proxy);
    return proxy;
}

/* What PROXY_KEEP_COMMIT kept arrives now; returns when the server is done with it. */
static inline void proxy_let_go(struct proxy *proxy) {
    int fd = atomic_exchange(&proxy->kept, -1);
    char bytes[16384];
    static const char goodbye[] = {'X', 0, 0, 0, 4}; /* Terminate */
    proxy_write(fd, proxy->kept_bytes, proxy->n_kept);
    proxy_write(fd, goodbye, sizeof goodbye);
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    close(fd);
}

static inline void proxy_stop(struct proxy *proxy) {
    atomic_store(&proxy->ends, true);
    pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < PROXY_PAIRS; i++) proxy_end_pair(&proxy->pairs[i]);
    close(proxy->listener);
    free(proxy);
}
