/*
 * http_fixture: a client that says and hears raw bytes, for tests of http.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct client {
    int fd;
    char *in; /* received and not yet consumed */
    size_t n, cap;
};

struct reply {
    int status;
    char *head, *body;
    size_t body_n;
};

static inline int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* RECEIVE: bytes that the kernel may hold for us; 0: as it likes. */
static inline int dial(uint16_t port, int receive) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (receive) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    /* Only so that a failing test ends. With these, a stop of the process interrupts what waits. */
    struct timeval most = {.tv_sec = 15};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    return fd;
}

static inline void client_close(struct client *client) {
    close(client->fd);
    free(client->in);
}

/* Writes what it can: a server that refuses early may have closed already. */
static inline void say_n(struct client *client, const char *text, size_t n) {
    while (n) {
        ssize_t sent = send(client->fd, text, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        text += sent;
        n -= (size_t)sent;
    }
}

static inline void say(struct client *client, const char *text) {
    say_n(client, text, strlen(text));
}

/* False at the end of the connection. */
static inline bool hear(struct client *client) {
    if (!client->in || client->cap - client->n < 65536) {
        client->cap += 65536 + client->cap;
        client->in = realloc(client->in, client->cap);
        assert_non_null(client->in);
    }
    ssize_t n;
    do n = recv(client->fd, client->in + client->n, client->cap - client->n - 1, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) fail_msg("the server says nothing");
    if (n <= 0) return false;
    client->n += (size_t)n;
    client->in[client->n] = '\0';
    return true;
}

static inline void consume(struct client *client, size_t n) {
    memmove(client->in, client->in + n, client->n - n);
    client->n -= n;
    client->in[client->n] = '\0';
}

static inline struct reply listen_for(struct client *client, bool with_body) {
    struct reply reply = {0};
    char *end;
    while (!client->in || !client->n || !(end = strstr(client->in, "\r\n\r\n")))
        if (!hear(client)) return reply; /* status 0: closed without an answer */
    size_t head_n = (size_t)(end - client->in) + 4;
    reply.head = strndup(client->in, head_n);
    assert_non_null(reply.head);
    consume(client, head_n);
    assert_memory_equal(reply.head, "HTTP/1.", 7);
    reply.status = (int)strtol(reply.head + 9, NULL, 10);
    const char *length = strcasestr(reply.head, "\r\ncontent-length:");
    if (length && with_body) reply.body_n = strtoul(length + 17, NULL, 10);
    while (client->n < reply.body_n)
        if (!hear(client)) fail_msg("the body was cut short");
    reply.body = calloc(1, reply.body_n + 1);
    assert_non_null(reply.body);
    if (reply.body_n) {
        memcpy(reply.body, client->in, reply.body_n);
        consume(client, reply.body_n);
    }
    return reply;
}

static inline void reply_free(struct reply *reply) {
    free(reply->head);
    free(reply->body);
}

static inline void expect_line(struct client *client, int status, const char *body, int line) {
    struct reply reply = listen_for(client, true);
    if (reply.status != status || (body && strcmp(reply.body, body) != 0))
        fail_msg("line %d: expected %d %s, got %d %s", line, status, body ? body : "", reply.status,
                 reply.body ? reply.body : "and no answer");
    reply_free(&reply);
}
#define expect(client, status, body) expect_line((client), (status), (body), __LINE__)

static inline void expect_end_line(struct client *client, int line) {
    if (client->n) fail_msg("line %d: unexpected: %s", line, client->in);
    if (hear(client)) fail_msg("line %d: expected the end, got: %s", line, client->in);
}
#define expect_end(client) expect_end_line((client), __LINE__)

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
