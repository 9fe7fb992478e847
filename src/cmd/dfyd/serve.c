#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "api/utf8.h"
#include "base/log.h"
#include "commands.h"
#include "edge/edge.h"
#include "hourly.h"
#include "http/http.h"
#include "lock.h"
#include "minutely.h"
#include "setup.h"
#include "step/settle.h"
#include "step/travel.h"
#include "store/care.h"
#include "store/checkout.h"
#include "store/deliveries.h"
#include "store/idempotency.h"
#include "store/invoices.h"
#include "store/refunds.h"
#include "store/renewals.h"
#include "store/steps.h"
#include "worker/node.h"
#include "worker/worker.h"

enum {
    BODY_LIMIT = 1 << 20,
    ARENAS_MAX = 4,      /* of malloc; each thread with its own would take more than the threads do */
    SPARE_FILES = 256,   /* beside the connections: database readers, files, logs */
    SETTLE_BATCH = 1000, /* orders a round */
    SETTLE_ROUNDS = 100, /* at start; more open orders than that are left to the worker */
    HOUR_MS = 60 * 60 * 1000,
    SELLER_MAX = 500, /* bytes */
    TRIM_TURNS = 10,  /* seconds, about */
    EDGE_BODY_LIMIT = 64 * 1024,
    EDGE_WORKERS = 16, /* that may wait for a resolver */
    EDGE_CONNECTIONS = 1024,
};

struct server {
    const struct settings *settings;
    bool answers, works; /* its roles */
    struct setup setup;
    struct world world;
    struct node *node;
    struct worker *worker;
    struct api *api;
    struct http_server *http;
    struct edge *edge; /* NULL: not served, as the next */
    struct http_server *edge_http;
    struct lock lock;
    bool is_set_up;
    atomic_llong crash_countdown;
    int64_t minute_ms; /* that was written down last */
};

/* -- the process */

static sigset_t stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

/* Before any thread starts: they inherit the mask, and only the main thread waits for the signals. */
static void prepare_signals(void) {
    sigset_t set = stop_signals();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a client that goes away is no reason to end */
    signal(SIGXFSZ, SIG_IGN); /* a file at its size limit fails like a full disk */
}

static void allow_files(int64_t connections) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    rlim_t wanted = (rlim_t)connections + SPARE_FILES;
    if (limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < wanted)
        log_event(LOG_WARN, "few_files", LOG_INT("allowed", limit.rlim_cur), LOG_INT("wanted", wanted),
                  LOG_TEXT("then", "connections beyond that wait; raise `ulimit -n`"));
}

#ifdef DFYD_TEST_SWITCHES
static void crash_when_reached(void *arg, const char *point) {
    struct server *server = arg;
    if (!strcmp(point, server->settings->crash_at) && atomic_fetch_sub(&server->crash_countdown, 1) == 1) {
        kill(getpid(), SIGKILL);
        pause(); /* not one step further */
    }
}

static void prepare_crash(struct server *server) {
    if (!server->settings->crash_at) return;
    atomic_store(&server->crash_countdown, server->settings->crash_at_count);
    server->world.reached = crash_when_reached;
    server->world.reached_arg = server;
}
#else
static void prepare_crash(struct server *server) {
    (void)server;
}
#endif

/* -- start */

static bool free_change(struct db *db, void *arg, struct error *reterr) {
    const struct server *server = arg;
    int64_t now = clock_now(&server->setup.clock);
    const struct care_times care = {
        .now_ms = now, .check_ms = server->world.check_ms, .dkim_ms = server->world.dkim_ms};
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    if (!care_settings_put(db, settings_outside(server->settings, arena), reterr)) return false;
    /* What others hold is theirs until its lease ends, whether they live or not. */
    if (store_is_shared(server->setup.store)) return care_retime(db, &care, reterr);
    return care_free_all(db, &care, reterr) && step_free_all(db, now, reterr) && renewal_free_all(db, now, reterr) &&
           delivery_free_all(db, now, reterr) && refund_free_all(db, now, reterr) &&
           checkout_look_at_all(db, now, reterr) && idempotency_free_orphans(db, reterr);
}

/* What the last process left half done, by a crash or a silent provider: this one holds the lock, so no other is at
 * it. Beside other nodes it waits, like theirs, until its leases end: then the first to look finds it. */
static bool recover(struct server *server, struct error *reterr) {
    if (!store_write(server->setup.store, free_change, server, reterr)) return false;
    if (store_is_shared(server->setup.store)) return true;
    /* A round takes every open order, also those whose payment provider was silent in an earlier one. */
    size_t n = SETTLE_BATCH;
    for (int round = 0; n == SETTLE_BATCH && round < SETTLE_ROUNDS; round++)
        if (!settle_due(&server->world, true, SETTLE_BATCH, &n, reterr)) return false;
    return true;
}

/* A clock that was moved would make real money move at the wrong time. */
static bool clock_fits(const struct setup *setup, const char *dir, struct error *reterr) {
    const char *real = drivers_not_sandbox(&setup->drivers);
    struct clock system = clock_system();
    int64_t ahead = clock_now(&setup->clock) - clock_now(&system);
    if (!real || ahead < HOUR_MS / 60) return true;
    return error_set(
        reterr, ERR_CONFLICT,
        "the clock of %s was moved %lld minutes ahead by `dfyd clock advance`; with the driver %s, which is "
        "not a sandbox one, start on a new folder",
        dir, (long long)(ahead / (HOUR_MS / 60)), real);
}

static bool seller_change(struct db *db, void *arg, struct error *reterr) {
    return invoices_set_seller(db, *(const struct str *)arg, reterr);
}

/* From now on invoices say so. It becomes part of documents that never change, so it is looked at first. */
static bool set_seller(struct server *server, struct error *reterr) {
    struct str seller = str_of(server->settings->seller);
    if (seller.n > SELLER_MAX || utf8_valid_bytes(seller) != seller.n)
        return error_set(reterr, ERR_INVALID, "seller must be UTF-8 text of at most %d bytes", SELLER_MAX);
    return store_write(server->setup.store, seller_change, &seller, reterr);
}

static bool open_world(struct server *server, struct error *reterr) {
    const struct settings *settings = server->settings;
    if (mkdir(settings->data, 0700) && errno != EEXIST)
        return error_set(reterr, ERR_UNAVAILABLE, "cannot make the data folder %s: %s", settings->data,
                         strerror(errno));
    if (!lock_take(settings->data, setup_is_shared(settings), &server->lock, reterr)) return false;
    struct setup *setup = &server->setup;
    if (!setup_open(setup, settings, SETUP_CREATE | SETUP_DRIVERS | SETUP_SERVE, reterr)) return false;
    server->is_set_up = true;
    if (!clock_fits(setup, settings->data, reterr)) return false;
    server->world = (struct world){
        .clock = &setup->clock,
        .sandbox_clock = drivers_not_sandbox(&setup->drivers) ? NULL : &setup->clock,
        .rng = &setup->rng,
        .ids = &setup->ids,
        .store = setup->store,
        .drivers = &setup->drivers,
        .vault = &setup->vault,
        .checkout_ms = settings->checkout ? settings->checkout_minutes * 60 * 1000 : 0,
        .forwarding_private_targets = settings->forwarding_private_targets != 0,
        .edge = {.ipv4 = str_of(settings->web_address), .ipv6 = str_of(settings->web_address6)},
        .check_ms = settings->check_hours * HOUR_MS,
        .dkim_ms = settings->dkim_days * 24 * HOUR_MS,
        .dkim_overlap_ms = settings->dkim_overlap_days * 24 * HOUR_MS,
        .retry_base_ms = settings->retry_base_ms,
        .retry_max_ms = settings->retry_max_ms,
        .lease_ms = settings->lease_ms,
        .swap_ms = settings->swap_hours * HOUR_MS,
        .hook_retry_ms = settings->webhook_retry_ms,
        .hook_tries = settings->webhook_tries,
        .hook_private_targets = settings->webhook_private_targets != 0,
    };
    prepare_crash(server);
    return true;
}

/* For the web server in front of the forwarded domains. */
static bool start_edge(struct server *server, struct error *reterr) {
    const struct settings *settings = server->settings;
    if (!*settings->edge_listen.host) return true;
    const struct edge_config edge = {
        .world = &server->world,
        .mail = {str_of(settings->mailhost_name), (enum mta_sts)settings->mta_sts},
        .private_targets = settings->forwarding_private_targets != 0,
        .http_port = (uint16_t)settings->forwarding_http_port,
        .https_port = (uint16_t)settings->forwarding_https_port,
    };
    const struct http_config config = {
        .host = settings->edge_listen.host,
        .port = settings->edge_listen.port,
        .threads = 1,
        .workers = EDGE_WORKERS,
        .body_limit = EDGE_BODY_LIMIT,
        .request_ms = settings->request_timeout_ms,
        .connections = EDGE_CONNECTIONS,
    };
    if (!edge_create(&edge, &server->edge, reterr)) {
        server->edge = NULL;
        return false;
    }
    struct http_app app = edge_app(server->edge);
    if (!http_start(&config, &app, &server->edge_http, reterr)) {
        server->edge_http = NULL;
        return false;
    }
    log_event(LOG_INFO, "edge_started", LOG_TEXT("host", config.host), LOG_INT("port", http_port(server->edge_http)));
    return true;
}

static bool check_web_dir(const char *dir, struct error *reterr) {
    char path[PATH_MAX];
    if (!dir) return true;
    int n = snprintf(path, sizeof path, "%s/index.html", dir);
    if (n >= 0 && (size_t)n < sizeof path && access(path, R_OK) == 0) return true;
    return error_set(reterr, ERR_INVALID, "web_dir: %s/index.html cannot be read; say the folder web of dfyd's source",
                     dir);
}

static bool start_api(struct server *server, struct error *reterr) {
    const struct settings *settings = server->settings;
    if (!check_web_dir(settings->web_dir, reterr)) return false;
    server->api = api_create(&(struct api_config){
        .world = &server->world,
        .worker = server->worker,
        .node = server->node,
        .public_url = settings->public_url,
        .web_dir = settings->web_dir,
        .session_ms = settings->session_hours * HOUR_MS,
        .providers_off = settings->providers_off,
        .wait_ms = settings->db_wait_ms,
        .streams = (unsigned)settings->streams,
        .rate_limit = settings->rate_limit != 0,
        .rate_per_second = settings->rate_per_second,
        .rate_per_minute = settings->rate_per_minute,
    });
    struct http_config config = {
        .host = settings->listen.host,
        .port = settings->listen.port,
        .threads = (unsigned)settings->http_threads,
        .workers = (unsigned)settings->order_threads,
        .body_limit = BODY_LIMIT,
        .request_ms = settings->request_timeout_ms,
        .connections = (unsigned)settings->connections,
        .streams = (unsigned)settings->streams,
    };
    struct http_app app = api_app(server->api);
    if (!http_start(&config, &app, &server->http, reterr)) {
        server->http = NULL;
        return false;
    }
    return start_edge(server, reterr);
}

static const char *role_words(const struct server *server) {
    static const char *const words[2][2] = {{"api", "api edge"}, {"api worker", "api worker edge"}};
    if (!server->answers) return "worker";
    return words[server->works][*server->settings->edge_listen.host != '\0'];
}

/* Another node changed the database so that this program does not fit any more. */
static void end(void *arg) {
    (void)arg;
    kill(getpid(), SIGTERM);
}

static bool join(struct server *server, struct error *reterr) {
    const struct settings *settings = server->settings;
    static char host[HOST_NAME_MAX + 1];
    if (gethostname(host, sizeof host - 1)) snprintf(host, sizeof host, "unnamed");
    const struct node_config config = {
        .world = &server->world,
        .name = settings->node_name ? settings->node_name : host,
        .version = DFYD_VERSION,
        .roles = role_words(server),
        .outdated = end,
    };
    if (!node_join(&config, &server->node, reterr)) {
        server->node = NULL;
        return false;
    }
    /* Others moved the clock after it was looked at, or wait from now on for this node. */
    struct travel_view view;
    return !store_is_shared(server->setup.store) || travel_look(&server->world, true, &view, reterr);
}

/* Another node may have placed an order. */
static void look_for_work(void *worker) {
    worker_wake(worker);
}

static bool start(struct server *server, struct error *reterr) {
    const struct settings *settings = server->settings;
    if (!open_world(server, reterr) || !join(server, reterr)) return false;
    if (!set_seller(server, reterr) || !recover(server, reterr)) return false;
    unsigned threads = server->works ? (unsigned)settings->worker_threads : 0;
    unsigned hook_threads = server->works ? (unsigned)settings->webhook_threads : 0;
    if (!worker_start(&server->world, server->node, threads, hook_threads, &server->worker, reterr)) {
        server->worker = NULL;
        return false;
    }
    store_on_news(server->setup.store, look_for_work, server->worker);
    return !server->answers || start_api(server, reterr);
}

static void announce_worker(const struct server *server) {
    printf("working\n");
    fflush(stdout);
    log_event(LOG_INFO, "started", LOG_TEXT("version", DFYD_VERSION), LOG_TEXT("data", server->settings->data),
              LOG_TEXT("roles", role_words(server)));
}

static void announce(const struct server *server) {
    if (!server->answers) {
        announce_worker(server);
        return;
    }
    const char *host = server->settings->listen.host;
    bool is_ipv6 = strchr(host, ':') != NULL;
    printf("listening on http://%s%s%s:%d\n", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", http_port(server->http));
    fflush(stdout);
    log_event(LOG_INFO, "started", LOG_TEXT("version", DFYD_VERSION), LOG_TEXT("data", server->settings->data),
              LOG_TEXT("host", host), LOG_INT("port", http_port(server->http)), LOG_TEXT("roles", role_words(server)));
}

static void warn_of_notices(const struct server *server) {
    if (!server->settings->checkout || !server->setup.refuses_notices) return;
    log_event(LOG_WARN, "no_webhook_secret", LOG_TEXT("payment", server->setup.drivers.payment->ops->name),
              LOG_TEXT("reason", "neither stripe_webhook_secret_file nor DFYD_STRIPE_WEBHOOK_SECRET is set"),
              LOG_TEXT("then", "every notice is refused; that a page was paid is found out later, by asking"));
}

/* Records that the world sees point at the edge, which has to be somewhere. */
static void warn_of_edge(const struct server *server) {
    const struct settings *settings = server->settings;
    const struct dns *dns = server->setup.drivers.dns;
    if (dns->ops->is_sandbox) return;
    if (!strncmp(settings->web_address, "127.", strlen("127.")))
        log_event(
            LOG_WARN, "web_address_is_loopback", LOG_TEXT("web_address", settings->web_address),
            LOG_TEXT("then", "forwarded domains and autoconfig names are published with it, and nobody reaches them"));
    if (!*settings->edge_listen.host)
        log_event(LOG_WARN, "no_edge", LOG_TEXT("reason", "edge_listen is not set"),
                  LOG_TEXT("then", "Caddy gets no answers from here: no forwarding, no autoconfig, no MTA-STS policy"));
}

static void warn_of_roles(const struct server *server) {
    if (server->works || store_is_shared(server->setup.store)) return;
    log_event(LOG_WARN, "no_worker", LOG_TEXT("reason", "started with --no-worker, on SQLite"),
              LOG_TEXT("then", "orders are taken and charged, and nothing is delivered before `dfyd serve` or `dfyd "
                               "work` runs on this folder in its place"));
}

/* -- while it runs */

/* Returns the signal that ends it. */
static int wait_for_signal(struct server *server) {
    sigset_t set = stop_signals();
    int64_t expire_at = 0;
    for (unsigned turn = 0;;) {
        int found = sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 1});
        if (found > 0) return found;
        store_tidy(server->setup.store);
        if (server->api) api_tidy(server->api);
        edge_tidy(server->edge);
        /* What a burst of orders or connections took and freed goes back to the system. */
        if (++turn % TRIM_TURNS == 0) malloc_trim(0);
        minutely_run(&server->world, false, &server->minute_ms);
        int64_t now = clock_now(&server->setup.clock);
        if (now < expire_at) continue;
        hourly_run(server->setup.store, now);
        expire_at = now + HOUR_MS;
    }
}

/* A second signal ends the process at once; nothing durable is lost by that. Also where SIGINT is ignored from the
 * start, as it is for what a script runs in the background: the first one was taken, too. */
static void allow_impatience(void) {
    sigset_t set = stop_signals();
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void stop(struct server *server) {
    if (server->api) api_drain(server->api);
    http_stop(server->http, server->settings->drain_ms);
    http_stop(server->edge_http, server->settings->drain_ms);
    edge_destroy(server->edge);
    if (server->worker) store_on_news(server->setup.store, NULL, NULL);
    worker_stop(server->worker);
    if (server->node) minutely_run(&server->world, true, &server->minute_ms);
    api_destroy(server->api);
    node_leave(server->node);
    if (server->is_set_up) setup_close(&server->setup);
    lock_drop(&server->lock);
}

static bool run_server(struct server *server, struct error *reterr) {
    const struct settings *settings = server->settings;
    mallopt(M_ARENA_MAX, ARENAS_MAX);
    prepare_signals();
    if (server->answers) allow_files(settings->connections + (*settings->edge_listen.host ? EDGE_CONNECTIONS : 0));
    bool ok = start(server, reterr);
    if (ok) {
        announce(server);
        warn_of_roles(server);
        if (server->answers) warn_of_notices(server);
        if (server->answers) warn_of_edge(server);
        int found = wait_for_signal(server);
        log_event(LOG_INFO, "stopping", LOG_TEXT("signal", found == SIGTERM ? "SIGTERM" : "SIGINT"));
        allow_impatience();
    } else if (reterr->code == ERR_INVALID) {
        reterr->code = ERR_UNAVAILABLE; /* the command line was fine */
    }
    stop(server);
    if (ok) log_event(LOG_INFO, "stopped", LOG_TEXT("data", settings->data));
    log_set_clock(NULL);
    return ok;
}

bool run_serve(const struct invocation *invocation, struct error *reterr) {
    const struct settings *settings = invocation->settings;
    bool works = settings->worker && !invocation_has(invocation, "no-worker");
    struct server server = {.settings = settings, .answers = true, .works = works, .lock = {-1, -1}};
    return run_server(&server, reterr);
}

bool run_work(const struct invocation *invocation, struct error *reterr) {
    struct server server = {.settings = invocation->settings, .works = true, .lock = {-1, -1}};
    return run_server(&server, reterr);
}
