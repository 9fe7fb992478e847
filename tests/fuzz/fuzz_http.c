/* fuzz_http: bytes on a connection to a real server, with a plain request behind them. It answers or hangs up; what the
 * application gets to see is clean. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_LIMIT = 1000 };

static void must(bool holds) {
    if (!holds) abort();
}

static void must_be_clean(struct str text) {
    for (size_t i = 0; i < text.n; i++) must((unsigned char)text.p[i] > ' ' && text.p[i] != 0x7f);
}

static void answer(const struct http_request *request, struct http_response *response) {
    must(request->method.n > 0 && request->path.n > 0 && request->body.n <= BODY_LIMIT);
    must(!request->body_too_large || request->body.n == 0);
    must_be_clean(request->method);
    must_be_clean(request->path);
    must_be_clean(request->query);
    struct str value = http_header(request, "Idempotency-Key", NULL);
    must(!value.n || !memchr(value.p, '\0', value.n));
    response->status = 200;
    buf_add_json(&response->body, request->path);
}

/* Half of the requests take the way over a worker. */
static enum http_verdict begin(void *ctx, const struct http_request *request, struct arena *arena,
                               struct http_response *response, void **ret_state) {
    (void)ctx, (void)arena, (void)ret_state;
    if (request->path.n % 2) return HTTP_DEFER;
    answer(request, response);
    return HTTP_ANSWER;
}

static void run(void *ctx, const struct http_request *request, struct arena *arena, struct http_response *response,
                void *state) {
    (void)ctx, (void)arena, (void)state;
    answer(request, response);
}

static void refuse(void *ctx, const struct error *error, struct http_response *response) {
    (void)ctx;
    response->status = error_status(error->code);
    BUF_LIT(&response->body, "{}");
}

static struct http_server *start(void) {
    const struct http_config config = {.host = "127.0.0.1",
                                       .threads = 1,
                                       .workers = 1,
                                       .body_limit = BODY_LIMIT,
                                       .request_ms = 200,
                                       .connections = 100};
    const struct http_app app = {.begin = begin, .run = run, .refuse = refuse};
    struct http_server *server;
    struct error error;
    must(http_start(&config, &app, &server, &error));
    return server;
}

/* Each from another address of 127.0.0.0/8: one alone would run out of ports that still wait for their end. */
static int dial(uint16_t port) {
    static uint32_t n;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + n++ % 100000);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval most = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    must(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) == 0);
    must(bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
    must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct http_server *server; /* kept from one input to the next */
    static const char last[] = "\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    if (!server) server = start();
    int fd = dial(http_port(server));
    /* It may have hung up already. */
    bool sent = send(fd, data, size, MSG_NOSIGNAL) >= 0 && send(fd, last, sizeof last - 1, MSG_NOSIGNAL) >= 0;
    if (sent) shutdown(fd, SHUT_WR);
    char in[65536];
    size_t n = 0;
    ssize_t got;
    while ((got = recv(fd, in + n, sizeof in - n, 0)) > 0) n = n + (size_t)got < sizeof in ? n + (size_t)got : 16;
    /* No end, not even after the time for a request, shows as EAGAIN. */
    must(got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK));
    must(n < 9 || memcmp(in, "HTTP/1.", 7) == 0);
    close(fd);
    return 0;
}
