#include "http/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/internal.h"

enum {
    OTHER_FILES = 256,   /* descriptors kept for all but connections */
    LAST_WORDS_MS = 250, /* for answers that became ready when the grace was over */
    LINGER_MS = 200,     /* for requests that are on their way on open connections */
};

struct str http_header(const struct http_request *request, const char *name, bool *ret_present) {
    const struct exchange *x = request->impl;
    const char *value = NULL;
    size_t n = 0;
    bool present =
        MHD_lookup_connection_value_n(x->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &n) == MHD_YES && value;
    if (ret_present) *ret_present = present;
    return present ? str_trim((struct str){value, n}) : STR("");
}

void http_response_header(struct http_response *response, const char *name, const char *value) {
    if (response->n_headers == sizeof response->headers / sizeof response->headers[0]) return;
    struct http_header_out *header = &response->headers[response->n_headers++];
    header->name = name;
    const size_t most = sizeof header->value - 1;
    size_t n = strlen(value);
    if (n > most) n = most;
    memcpy(header->value, value, n);
    header->value[n] = '\0';
}

/* How many connections the limit of open files allows, after raising it as far as needed and permitted. */
static unsigned fit_connections(unsigned wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    rlim_t need = (rlim_t)wanted + OTHER_FILES;
    if (limit.rlim_cur < need) {
        rlim_t had = limit.rlim_cur;
        limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = had;
    }
    if (limit.rlim_cur >= need) return wanted;
    unsigned files = (unsigned)limit.rlim_cur;
    return files / 2 > OTHER_FILES ? files - OTHER_FILES : files / 2;
}

static bool threads_start(struct http_server *server, const struct http_config *config) {
    if (!deadline_start(&server->deadline, config->request_ms)) return false;
    if (!defer_start(&server->defer, config->workers, &server->app)) return false;
    for (; server->n_loops < config->threads; server->n_loops++)
        if (!loop_start(&server->loops[server->n_loops], server)) return false;
    server->acceptor.loops = server->loops;
    server->acceptor.n_loops = server->n_loops;
    return acceptor_start(&server->acceptor);
}

bool http_start(const struct http_config *config, const struct http_app *app, struct http_server **ret,
                struct error *reterr) {
    if (sodium_init() < 0) return error_set(reterr, ERR_INTERNAL, "the cryptographic library does not start");
    struct http_server *server = calloc(1, sizeof *server);
    struct loop *loops = calloc(config->threads, sizeof *loops);
    if (!server || !loops) {
        free(server);
        free(loops);
        return error_set(reterr, ERR_UNAVAILABLE, "out of memory");
    }
    server->app = *app;
    server->clock = clock_system();
    server->body_limit = config->body_limit;
    server->request_ms = config->request_ms;
    server->most_streams = config->streams;
    server->loops = loops;
    server->acceptor.listener = server->acceptor.event = -1;
    server->acceptor.most = fit_connections(config->connections);
    pthread_mutex_init(&server->mutex, NULL);
    cond_init_monotonic(&server->idle);
    if (!acceptor_bind(&server->acceptor, config->host, config->port, reterr)) {
        http_stop(server, 0);
        return false;
    }
    /* Signals are for the program's own thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = 0;
    bool ok = threads_start(server, config);
    int why = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) {
        http_stop(server, 0);
        return error_set(reterr, ERR_UNAVAILABLE, "cannot start the HTTP threads: %s",
                         why ? strerror(why) : "out of resources");
    }
    *ret = server;
    return true;
}

uint16_t http_port(const struct http_server *server) {
    struct sockaddr_storage addr;
    socklen_t size = sizeof addr;
    if (getsockname(server->acceptor.listener, (struct sockaddr *)&addr, &size) != 0) return 0;
    if (addr.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&addr)->sin6_port);
    return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

static bool has_connections(const struct http_server *server) {
    for (unsigned i = 0; i < server->n_loops; i++)
        if (atomic_load(&server->loops[i].n_conns) > 0) return true;
    return false;
}

/* A client that was let in may have sent, or be sending, what nothing here has read yet. */
static void linger(const struct http_server *server, int64_t ms) {
    int64_t until = monotonic_ms() + ms;
    while (has_connections(server) && monotonic_ms() < until) poll(NULL, 0, 5);
}

static void wait_for_exchanges(struct http_server *server, int64_t ms) {
    int64_t until = monotonic_ms() + ms;
    pthread_mutex_lock(&server->mutex);
    while (atomic_load(&server->under_way) > 0)
        if (!cond_wait_until(&server->idle, &server->mutex, until)) break;
    pthread_mutex_unlock(&server->mutex);
}

void http_stop(struct http_server *server, int64_t grace_ms) {
    if (!server) return;
    /* From now on each answer ends its connection. First: who cannot connect any more must not be told to stay. */
    atomic_store(&server->stopping, true);
    acceptor_stop(&server->acceptor);
    int64_t until = monotonic_ms() + grace_ms;
    deadline_end_streams(&server->deadline);
    linger(server, grace_ms < LINGER_MS ? grace_ms : LINGER_MS);
    wait_for_exchanges(server, until - monotonic_ms());
    /* libmicrohttpd must not be stopped while a connection is suspended: the workers have to be done. */
    defer_stop(&server->defer);
    wait_for_exchanges(server, LAST_WORDS_MS);
    for (unsigned i = 0; i < server->n_loops; i++) loop_stop(&server->loops[i]);
    deadline_stop(&server->deadline);
    for (unsigned i = 0; i < server->n_loops; i++) loop_finish(&server->loops[i]);
    if (server->acceptor.event >= 0) close(server->acceptor.event);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->mutex);
    free(server->loops);
    free(server);
}
