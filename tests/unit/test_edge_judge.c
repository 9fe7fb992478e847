#include "edge/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* A resolver that says what the test wants, and one name at a time only when it is told to. */
struct scripted {
    struct resolver base;
    enum outcome outcome;
    const char *v4[3], *v6[3];
    _Atomic int asked;
    _Atomic bool is_held;
};

static enum outcome ask(struct resolver *r, struct str name, const char *type, struct arena *arena, struct rrset *ret,
                        struct answer *answer) {
    struct scripted *s = (struct scripted *)r;
    atomic_fetch_add(&s->asked, 1);
    while (atomic_load(&s->is_held)) poll(NULL, 0, 1);
    *ret = (struct rrset){.name = name, .type = type};
    if (s->outcome != OUTCOME_DONE) return answer_set(answer, s->outcome, "silent");
    const char *const *values = str_is(str_of(type), "A") ? s->v4 : s->v6;
    ret->data = ARENA_ARRAY(arena, 3, struct str);
    for (; ret->n_data < 3 && values[ret->n_data]; ret->n_data++) ret->data[ret->n_data] = str_of(values[ret->n_data]);
    return OUTCOME_DONE;
}

static const struct resolver_ops ops = {.name = "scripted", .ask = ask};

struct fixture {
    struct scripted resolver;
    struct judge_config config;
    struct judge *judge;
    struct arena *arena;
    int http, https; /* listeners at 127.0.0.1 */
};

static int listen_somewhere(uint16_t *ret_port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 && listen(fd, 8) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void begin(struct fixture *f, bool allows_private, int64_t again_ms) {
    *f = (struct fixture){.resolver = {.base = {&ops}, .outcome = OUTCOME_DONE}, .arena = arena_create(4096)};
    f->config =
        (struct judge_config){.resolver = &f->resolver.base, .allows_private = allows_private, .again_ms = again_ms};
    f->http = listen_somewhere(&f->config.http_port);
    f->https = listen_somewhere(&f->config.https_port);
    f->judge = judge_create(&f->config);
}

static void finish(struct fixture *f) {
    judge_destroy(f->judge);
    arena_destroy(f->arena);
    close(f->http);
    if (f->https >= 0) close(f->https);
}

static void expect(struct fixture *f, const char *host, enum verdict_state state, const char *address) {
    struct verdict verdict;
    judge_ask(f->judge, str_of(host), f->arena, &verdict);
    assert_int_equal(verdict.state, state);
    if (address) assert_string_equal(verdict.address, address);
}

static const char *at(const char *host, uint16_t port) {
    static char text[64];
    snprintf(text, sizeof text, "%s:%u", host, (unsigned)port);
    return text;
}

static void test_no_address_but_public_ones(void **state) {
    static const char *const v4[] = {"127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "192.168.1.1"};
    static const char *const v6[] = {"::1", "fd12::1", "::ffff:10.0.0.1", "fe80::1", "2002:7f00:1::"};
    struct fixture f;
    char host[32];
    (void)state;
    begin(&f, false, 0);
    for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
        f.resolver.v4[0] = v4[i];
        snprintf(host, sizeof host, "four%zu.net", i);
        expect(&f, host, VERDICT_PRIVATE, "");
    }
    /* one of several is enough: which one would be connected to is anybody's guess */
    f.resolver.v4[0] = "8.8.8.8";
    f.resolver.v4[1] = "10.0.0.1";
    expect(&f, "mixed.net", VERDICT_PRIVATE, "");
    f.resolver.v4[0] = f.resolver.v4[1] = NULL;
    for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
        f.resolver.v6[0] = v6[i];
        snprintf(host, sizeof host, "six%zu.net", i);
        expect(&f, host, VERDICT_PRIVATE, "");
    }
    int asked = atomic_load(&f.resolver.asked);
    expect(&f, "db.internal", VERDICT_PRIVATE, "");
    assert_int_equal(atomic_load(&f.resolver.asked), asked);
    finish(&f);
}

static void test_https_before_http(void **state) {
    struct fixture f;
    struct verdict verdict;
    (void)state;
    begin(&f, true, 0);
    f.resolver.v4[0] = "127.0.0.7"; /* nobody answers there */
    f.resolver.v4[1] = "127.0.0.1";
    expect(&f, "a.net", VERDICT_GOOD, at("127.0.0.1", f.config.https_port));
    assert_true(judge_known(f.judge, STR("a.net"), &verdict) && verdict.is_https);
    close(f.https);
    f.https = -1;
    expect(&f, "a.net", VERDICT_GOOD, at("127.0.0.1", f.config.https_port)); /* as it was judged */
    expect(&f, "b.net", VERDICT_GOOD, at("127.0.0.1", f.config.http_port));
    assert_true(judge_known(f.judge, STR("b.net"), &verdict) && !verdict.is_https);
    f.resolver.v4[1] = NULL;
    expect(&f, "c.net", VERDICT_GOOD, at("127.0.0.7", f.config.https_port));
    finish(&f);
}

static void test_none_and_silence(void **state) {
    struct fixture f;
    struct verdict verdict;
    (void)state;
    begin(&f, true, 0);
    assert_false(judge_known(f.judge, STR("a.net"), &verdict));
    expect(&f, "a.net", VERDICT_NO_ADDRESS, "");
    f.resolver.outcome = OUTCOME_UNKNOWN;
    expect(&f, "b.net", VERDICT_OPEN, "");
    /* Known for a while, so that not every visitor waits. */
    int asked = atomic_load(&f.resolver.asked);
    assert_true(judge_known(f.judge, STR("b.net"), &verdict) && verdict.state == VERDICT_OPEN);
    expect(&f, "b.net", VERDICT_OPEN, "");
    assert_int_equal(atomic_load(&f.resolver.asked), asked);
    finish(&f);
}

static void wait_until_old(struct fixture *f, const char *host) {
    struct verdict verdict;
    for (int i = 0; i < 5000 && judge_known(f->judge, str_of(host), &verdict); i++) poll(NULL, 0, 1);
    assert_false(judge_known(f->judge, str_of(host), &verdict));
}

static void test_what_was_good_lasts_through_silence(void **state) {
    struct fixture f;
    (void)state;
    begin(&f, true, 1);
    f.resolver.v4[0] = "127.0.0.1";
    expect(&f, "a.net", VERDICT_GOOD, at("127.0.0.1", f.config.https_port));
    wait_until_old(&f, "a.net");
    f.resolver.outcome = OUTCOME_UNKNOWN;
    expect(&f, "a.net", VERDICT_GOOD, at("127.0.0.1", f.config.https_port));
    wait_until_old(&f, "a.net");
    f.resolver.outcome = OUTCOME_DONE;
    f.resolver.v4[0] = NULL;
    expect(&f, "a.net", VERDICT_NO_ADDRESS, "");
    wait_until_old(&f, "a.net");
    judge_tidy(f.judge);
    f.resolver.outcome = OUTCOME_UNKNOWN;
    expect(&f, "a.net", VERDICT_OPEN, "");
    finish(&f);
}

struct asker {
    struct judge *judge;
    enum verdict_state told;
};

static void *ask_too(void *arg) {
    struct asker *asker = arg;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct verdict verdict;
    judge_ask(asker->judge, STR("a.net"), arena, &verdict);
    asker->told = verdict.state;
    return NULL;
}

static void test_one_question_for_many(void **state) {
    enum { N = 4 };
    struct fixture f;
    pthread_t threads[N];
    struct asker askers[N];
    (void)state;
    begin(&f, true, 0);
    f.resolver.v4[0] = "127.0.0.1";
    atomic_store(&f.resolver.is_held, true);
    for (int i = 0; i < N; i++) {
        askers[i].judge = f.judge;
        assert_int_equal(pthread_create(&threads[i], NULL, ask_too, &askers[i]), 0);
    }
    while (!atomic_load(&f.resolver.asked)) poll(NULL, 0, 1);
    atomic_store(&f.resolver.is_held, false);
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].told, VERDICT_GOOD);
    }
    assert_int_equal(atomic_load(&f.resolver.asked), 2); /* A and AAAA, once */
    finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_address_but_public_ones), cmocka_unit_test(test_https_before_http),
        cmocka_unit_test(test_none_and_silence),           cmocka_unit_test(test_what_was_good_lasts_through_silence),
        cmocka_unit_test(test_one_question_for_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
