/* Answers that are made while they are sent: in parts, and as streams; slow clients, lost ones, many, and the end. */
#define _GNU_SOURCE /* strcasestr, memmem */
#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"
#include "http_fixture.h"

enum {
    REQUEST_MS = 3000, /* of the hasty: more than a busy machine lets a client wait, and yet waited for here */
    STREAMS = 400,
    PART = 10000,
};

/* ---- the toy application ---- */

struct toy {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct http_stream *streams[STREAMS]; /* in the order of their requests */
    unsigned n_streams;
    bool gate_open; /* the second part of "/gate" waits for it */
    unsigned at_gate, n_parts;
};

struct parts {
    int left;
    char letter;
    bool breaks, waits;
};

static enum http_verdict toy_begin(void *ctx, const struct http_request *request, struct arena *arena,
                                   struct http_response *response, void **ret_state) {
    struct toy *toy = ctx;
    response->status = 200;
    if (str_is(request->path, "/stream")) {
        response->content_type = "text/event-stream";
        pthread_mutex_lock(&toy->mutex);
        assert_in_range(toy->n_streams, 0, STREAMS - 1);
        toy->streams[toy->n_streams++] = http_stream_keep(http_stream_open(response));
        pthread_cond_broadcast(&toy->changed);
        pthread_mutex_unlock(&toy->mutex);
    } else if (str_is(request->path, "/plain")) {
        BUF_LIT(&response->body, "plain");
    } else {
        struct parts *parts = ARENA_NEW(arena, struct parts);
        *parts = (struct parts){
            .left = str_is(request->path, "/many") ? 2000 : 3,
            .letter = 'a',
            .breaks = str_is(request->path, "/broken"),
            .waits = str_is(request->path, "/gate"),
        };
        BUF_LIT(&response->body, "begin\n");
        response->in_parts = true;
        *ret_state = parts;
    }
    return HTTP_ANSWER;
}

static void toy_run(void *ctx, const struct http_request *request, struct arena *arena, struct http_response *response,
                    void *state) {
    (void)ctx, (void)request, (void)arena, (void)response, (void)state;
    fail_msg("nothing is deferred");
}

static enum http_part toy_more(void *ctx, const struct http_request *request, struct arena *arena,
                               struct http_response *response, void *state) {
    struct toy *toy = ctx;
    struct parts *parts = state;
    (void)request, (void)arena;
    assert_int_equal(response->body.n, 0);
    pthread_mutex_lock(&toy->mutex);
    toy->n_parts++;
    if (parts->waits && parts->letter == 'b') {
        toy->at_gate++;
        pthread_cond_broadcast(&toy->changed);
        while (!toy->gate_open) pthread_cond_wait(&toy->changed, &toy->mutex);
    }
    pthread_mutex_unlock(&toy->mutex);
    if (parts->breaks && parts->letter == 'c') return HTTP_PART_BROKEN;
    char *to = buf_reserve(&response->body, PART);
    assert_non_null(to);
    memset(to, parts->letter, PART);
    response->body.n += PART;
    if (++parts->letter > 'z') parts->letter = 'a';
    return --parts->left ? HTTP_PART_MORE : HTTP_PART_LAST;
}

static void toy_refuse(void *ctx, const struct error *error, struct http_response *response) {
    (void)ctx;
    response->status = error_status(error->code);
    buf_printf(&response->body, "refused: %s", error_name(error->code));
}

/* ---- fixture ---- */

struct bench {
    struct toy toy;
    struct http_server *server;
    uint16_t port;
};

static const struct http_config patient = {.host = "127.0.0.1",
                                           .threads = 2,
                                           .workers = 2,
                                           .body_limit = 1000,
                                           .request_ms = 20000,
                                           .connections = 1000,
                                           .streams = STREAMS};

static struct bench *bench_start(const struct http_config *config) {
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    pthread_mutex_init(&bench->toy.mutex, NULL);
    pthread_cond_init(&bench->toy.changed, NULL);
    struct http_app app = {
        .ctx = &bench->toy, .begin = toy_begin, .run = toy_run, .more = toy_more, .refuse = toy_refuse};
    struct error err;
    if (!http_start(config, &app, &bench->server, &err)) fail_msg("%s", err.message);
    bench->port = http_port(bench->server);
    return bench;
}

static void bench_free(struct bench *bench) {
    for (unsigned i = 0; i < bench->toy.n_streams; i++) http_stream_let_go(bench->toy.streams[i]);
    free(bench);
}

static int setup(void **state) {
    *state = bench_start(&patient);
    return 0;
}

static int setup_hasty(void **state) {
    struct http_config config = patient;
    config.request_ms = REQUEST_MS;
    *state = bench_start(&config);
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    http_stop(bench->server, 5000);
    bench_free(bench);
    return 0;
}

static struct client client_open(const struct bench *bench) {
    return (struct client){.fd = dial(bench->port, 0)};
}

/* ---- what a client gets ---- */

static void expect_head(struct client *c, int status) {
    struct reply reply = listen_for(c, false);
    assert_int_equal(reply.status, status);
    reply_free(&reply);
}

/* The stream that the toy opened as number I. */
static struct http_stream *opened(struct bench *bench, unsigned i) {
    pthread_mutex_lock(&bench->toy.mutex);
    while (bench->toy.n_streams <= i) pthread_cond_wait(&bench->toy.changed, &bench->toy.mutex);
    struct http_stream *stream = bench->toy.streams[i];
    pthread_mutex_unlock(&bench->toy.mutex);
    return stream;
}

static struct client stream_open(struct bench *bench, unsigned i, struct http_stream **ret) {
    struct client c = client_open(bench);
    say(&c, GET("/stream"));
    expect_head(&c, 200);
    *ret = opened(bench, i);
    return c;
}

/* One chunk's bytes, which are gone with the next; *ret_n is 0 for the last one. NULL: the connection ended. */
static char *hear_chunk(struct client *c, size_t *ret_n) {
    char *end;
    while (!c->n || !(end = memmem(c->in, c->n, "\r\n", 2)))
        if (!hear(c)) return NULL;
    size_t n = strtoul(c->in, NULL, 16), head = (size_t)(end - c->in) + 2;
    while (c->n < head + n + 2)
        if (!hear(c)) return NULL;
    char *bytes = calloc(1, n + 1);
    assert_non_null(bytes);
    memcpy(bytes, c->in + head, n);
    assert_memory_equal(c->in + head + n, "\r\n", 2);
    consume(c, head + n + 2);
    *ret_n = n;
    return bytes;
}

/* Reads on until TEXT was heard, in however many chunks. */
static void expect_text(struct client *c, const char *text) {
    for (size_t at = 0, n = 0; text[at]; at += n) {
        char *bytes = hear_chunk(c, &n);
        if (!bytes || !n || strncmp(bytes, text + at, n) != 0)
            fail_msg("expected %s, got %s", text + at, bytes ? bytes : "the end");
        free(bytes);
    }
}

static void expect_beginning(struct client *c, const char *text) {
    size_t n = 0;
    char *bytes = hear_chunk(c, &n);
    if (!bytes || strncmp(bytes, text, strlen(text)) != 0) fail_msg("expected %s first", text);
    free(bytes);
}

static void expect_last_chunk(struct client *c) {
    size_t n = 1;
    char *bytes = hear_chunk(c, &n);
    if (!bytes || n) fail_msg("expected the last chunk, got %s", bytes ? bytes : "the end");
    free(bytes);
}

/* "begin\n" and COUNT parts. */
static void expect_parts(struct client *c, int count) {
    expect_text(c, "begin\n");
    char *want = malloc(PART + 1);
    assert_non_null(want);
    for (int i = 0; i < count; i++) {
        memset(want, 'a' + i % 26, PART);
        want[PART] = '\0';
        expect_text(c, want);
    }
    free(want);
}

static bool is_over_within(struct http_stream *stream, int ms) {
    for (int64_t start = now_ms(); now_ms() - start < ms; poll(NULL, 0, 5))
        if (http_stream_is_over(stream)) return true;
    return false;
}

/* ---- parts ---- */

static void test_parts(void **state) {
    struct bench *bench = *state;
    struct client c = client_open(bench);
    for (int i = 0; i < 2; i++) {
        say(&c, GET("/parts"));
        struct reply reply = listen_for(&c, false);
        assert_int_equal(reply.status, 200);
        assert_non_null(strcasestr(reply.head, "\r\ntransfer-encoding: chunked\r\n"));
        assert_null(strcasestr(reply.head, "content-length"));
        reply_free(&reply);
        expect_parts(&c, 3);
        expect_last_chunk(&c);
    }
    say(&c, GET("/plain"));
    expect(&c, 200, "plain");
    say(&c, "HEAD /parts HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_head(&c, 200);
    expect_end(&c);
    client_close(&c);
}

static void test_parts_of_old_http(void **state) {
    struct client c = client_open(*state);
    say(&c, "GET /parts HTTP/1.0\r\n\r\n");
    expect_head(&c, 200);
    while (hear(&c)) continue;
    assert_int_equal(c.n, strlen("begin\n") + (size_t)3 * PART);
    assert_int_equal(c.in[c.n - 1], 'c');
    client_close(&c);
}

/* The client of parts says nothing more, and awaits the end. */
static void test_half_closed(void **state) {
    struct client c = client_open(*state);
    say(&c, GET("/parts"));
    shutdown(c.fd, SHUT_WR);
    expect_head(&c, 200);
    expect_parts(&c, 3);
    expect_last_chunk(&c);
    client_close(&c);
}

static void test_broken_parts(void **state) {
    struct client c = client_open(*state);
    say(&c, GET("/broken"));
    expect_head(&c, 200);
    expect_parts(&c, 2);
    size_t n;
    assert_null(hear_chunk(&c, &n));
    client_close(&c);
}

/* Until nobody has one of the N places of streams. */
static void wait_until_free(struct bench *bench, int n) {
    struct client *clients = calloc((size_t)n, sizeof *clients);
    assert_non_null(clients);
    int64_t start = now_ms();
    for (int i = 0; i < n;) {
        clients[i] = client_open(bench);
        say(&clients[i], GET("/stream"));
        struct reply reply = listen_for(&clients[i], false);
        if (reply.status == 200)
            i++;
        else
            client_close(&clients[i]);
        reply_free(&reply);
        if (now_ms() - start > 60000) fail_msg("%d of %d places are free", i, n);
        poll(NULL, 0, 20);
    }
    for (int i = 0; i < n; i++) client_close(&clients[i]);
    free(clients);
}

/* Parts are made as they are taken: a client that takes nothing costs no worker, and is cut. */
static void test_slow_client_of_parts(void **state) {
    enum { SLOW = 4 }; /* more than there are workers */
    (void)state;
    struct http_config config = patient;
    config.request_ms = REQUEST_MS;
    config.streams = SLOW + 1;
    struct bench *bench = bench_start(&config);
    struct client slow[SLOW];
    int64_t start = now_ms();
    for (int i = 0; i < SLOW; i++) {
        slow[i] = (struct client){.fd = dial(bench->port, 4096)};
        say(&slow[i], GET("/many"));
    }
    expect_head(&slow[0], 200);
    struct client c = client_open(bench);
    say(&c, GET("/parts"));
    expect_head(&c, 200);
    expect_parts(&c, 3);
    expect_last_chunk(&c);
    client_close(&c);
    /* Until then they are kept: what they could take in all is far less than there is. */
    wait_until_free(bench, SLOW + 1);
    assert_in_range(now_ms() - start, REQUEST_MS, 60000);
    for (int i = 0; i < SLOW; i++) {
        while (hear(&slow[i])) continue;
        assert_in_range(slow[i].n, 1, (size_t)2000 * PART - 1);
        client_close(&slow[i]);
    }
    assert_in_range(bench->toy.n_parts, SLOW, SLOW * 2000 - 1);
    http_stop(bench->server, 5000);
    bench_free(bench);
}

/* ---- streams ---- */

static void test_stream(void **state) {
    struct bench *bench = *state;
    struct http_stream *stream;
    struct client c = stream_open(bench, 0, &stream);
    for (int i = 0; i < 20; i++) {
        assert_true(http_stream_write(stream, STR("event\n")));
        expect_text(&c, "event\n");
    }
    /* Larger than a connection's memory. */
    static char large[100000];
    memset(large, 'x', sizeof large - 1);
    assert_true(http_stream_write(stream, str_of(large)));
    expect_text(&c, large);
    assert_true(http_stream_write(stream, STR("and then")));
    http_stream_end(stream);
    assert_false(http_stream_write(stream, STR("too late")));
    assert_true(http_stream_is_over(stream));
    expect_text(&c, "and then");
    expect_last_chunk(&c);
    say(&c, GET("/plain"));
    expect(&c, 200, "plain");
    say(&c, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_head(&c, 200);
    expect_end(&c);
    assert_true(is_over_within(opened(bench, 1), 10000));
    client_close(&c);
}

/* Having nothing to say for longer than any deadline is no fault. */
static void test_quiet_stream(void **state) {
    struct bench *bench = *state;
    struct http_stream *stream;
    struct client c = stream_open(bench, 0, &stream);
    assert_false(is_over_within(stream, 2 * REQUEST_MS));
    assert_true(http_stream_write(stream, STR("still here")));
    expect_text(&c, "still here");
    client_close(&c);
}

static void test_client_leaves(void **state) {
    struct bench *bench = *state;
    struct http_stream *stream;
    struct client c = stream_open(bench, 0, &stream);
    client_close(&c);
    assert_true(is_over_within(stream, 10000));
    assert_false(http_stream_write(stream, STR("nobody")));
    /* With something to send, and by a reset. */
    c = stream_open(bench, 1, &stream);
    struct linger reset = {.l_onoff = 1};
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client_close(&c);
    while (http_stream_write(stream, STR("nobody"))) poll(NULL, 0, 1);
    assert_true(http_stream_is_over(stream));
}

static void test_slow_reader(void **state) {
    struct bench *bench = *state;
    struct http_stream *lazy, *keen;
    struct client slow = {.fd = dial(bench->port, 4096)}, c;
    say(&slow, GET("/stream"));
    lazy = opened(bench, 0);
    c = stream_open(bench, 1, &keen);
    static char much[16 << 10];
    memset(much, 'm', sizeof much - 1);
    int64_t start = now_ms();
    while (http_stream_write(lazy, str_of(much))) {
        assert_true(http_stream_write(keen, STR("one more ")));
        expect_text(&c, "one more ");
        if (now_ms() - start > 15000) fail_msg("it is kept though it reads nothing");
    }
    while (hear(&slow)) continue; /* its connection ended */
    client_close(&slow);
    client_close(&c);
}

/* What does not fill the buffer has to be taken in time as well. */
static void test_reader_that_stopped(void **state) {
    struct bench *bench = *state;
    struct http_stream *stream;
    struct client c = {.fd = dial(bench->port, 4096)};
    say(&c, GET("/stream"));
    stream = opened(bench, 0);
    static char much[HTTP_STREAM_MOST / 2];
    memset(much, 'm', sizeof much - 1);
    /* As much as the kernel takes for the client, and then some that it does not. */
    int sent = 1;
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &sent, sizeof sent);
    for (int64_t start = now_ms(); !http_stream_is_over(stream);) {
        (void)http_stream_write(stream, str_of(much));
        poll(NULL, 0, 50);
        if (now_ms() - start > 15000) fail_msg("it is kept though it takes nothing");
    }
    client_close(&c);
}

static void test_limit(void **state) {
    (void)state;
    struct http_config config = patient;
    config.streams = 2;
    struct bench *bench = bench_start(&config);
    struct http_stream *first, *second;
    struct client a = stream_open(bench, 0, &first), b = stream_open(bench, 1, &second), c = client_open(bench);
    say(&c, GET("/stream"));
    expect(&c, 503, "refused: unavailable");
    assert_true(is_over_within(opened(bench, 2), 10000));
    say(&c, GET("/parts"));
    expect(&c, 503, "refused: unavailable");
    say(&c, GET("/plain"));
    expect(&c, 200, "plain");
    http_stream_end(first);
    expect_last_chunk(&a);
    /* Its place is free once its connection goes on, which is later than its last chunk. */
    say(&a, GET("/plain"));
    expect(&a, 200, "plain");
    say(&c, GET("/parts"));
    expect_head(&c, 200);
    expect_parts(&c, 3);
    expect_last_chunk(&c);
    client_close(&a);
    client_close(&b);
    client_close(&c);
    http_stop(bench->server, 5000);
    bench_free(bench);
}

struct writer {
    struct bench *bench;
    unsigned n;
    _Atomic bool stop;
};

static void *write_to_all(void *arg) {
    struct writer *writer = arg;
    while (!atomic_load(&writer->stop))
        for (unsigned i = 0; i < writer->n; i++) (void)http_stream_write(opened(writer->bench, i), STR("tick\n"));
    return NULL;
}

/* Clients come, read and leave while two threads write to all of them. */
static void test_many(void **state) {
    enum { MANY = 200 }; /* more than the loops keep for others */
    struct bench *bench = *state;
    struct client clients[MANY];
    struct http_stream *stream;
    for (unsigned i = 0; i < MANY; i++) clients[i] = stream_open(bench, i, &stream);
    struct writer writer = {.bench = bench, .n = MANY};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, write_to_all, &writer), 0);
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 3) expect_beginning(&clients[i], "tick\n");
        if (i % 3 == 1) http_stream_end(opened(bench, i));
        client_close(&clients[i]);
    }
    for (unsigned i = 0; i < MANY; i++) assert_true(is_over_within(opened(bench, i), 15000));
    atomic_store(&writer.stop, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void *open_gate_later(void *arg) {
    struct toy *toy = arg;
    poll(NULL, 0, 200);
    pthread_mutex_lock(&toy->mutex);
    toy->gate_open = true;
    pthread_cond_broadcast(&toy->changed);
    pthread_mutex_unlock(&toy->mutex);
    return NULL;
}

static void test_stop(void **state) {
    enum { MANY = 50 };
    (void)state;
    struct bench *bench = bench_start(&patient);
    struct client clients[MANY], c = client_open(bench), lazy = {.fd = dial(bench->port, 4096)};
    struct http_stream *stream;
    for (unsigned i = 0; i < MANY; i++) clients[i] = stream_open(bench, i, &stream);
    assert_true(http_stream_write(stream, STR("before")));
    /* One that takes nothing, one whose next part is being made. */
    say(&lazy, GET("/many"));
    say(&c, GET("/gate"));
    expect_head(&c, 200);
    expect_text(&c, "begin\n");
    pthread_mutex_lock(&bench->toy.mutex);
    while (!bench->toy.at_gate) pthread_cond_wait(&bench->toy.changed, &bench->toy.mutex);
    pthread_mutex_unlock(&bench->toy.mutex);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, open_gate_later, &bench->toy), 0);
    int64_t start = now_ms();
    http_stop(bench->server, 3000);
    assert_in_range(now_ms() - start, 0, 10000);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < MANY; i++) {
        if (i == MANY - 1) expect_text(&clients[i], "before");
        expect_last_chunk(&clients[i]);
        client_close(&clients[i]);
        assert_false(http_stream_write(opened(bench, i), STR("late")));
    }
    client_close(&lazy);
    client_close(&c);
    bench_free(bench);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define HASTY(f) cmocka_unit_test_setup_teardown(f, setup_hasty, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_parts),
        CASE(test_parts_of_old_http),
        CASE(test_half_closed),
        CASE(test_broken_parts),
        cmocka_unit_test(test_slow_client_of_parts),
        CASE(test_stream),
        HASTY(test_quiet_stream),
        CASE(test_client_leaves),
        HASTY(test_slow_reader),
        HASTY(test_reader_that_stopped),
        cmocka_unit_test(test_limit),
        CASE(test_many),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests_name("http_stream", tests, NULL, NULL);
}
