#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/migrate.h"
#include "store/postgres/listen.h"
#include "store/postgres/marks.h"
#include "store/postgres/transaction.h"

enum {
    WAIT_MS = 10000,
    CONNECTIONS = 8,
    MIGRATE_MS = 3600000, /* for an answer: also while another node migrates */
    CLEAN_EVERY_MS = 3600000,
    CLEAN_WAIT_MS = 500,
};

struct shared {
    struct store base;
    struct pool *pool;
    int64_t wait_ms;
    struct clock clock;
    struct rng rng;
    struct ids ids;             /* of marks */
    _Atomic int64_t clean_next; /* clock_steady_ms */
    _Atomic uint64_t generations[STORE_TOPIC_END];
    pthread_mutex_t news_mutex; /* held while the function runs */
    void (*news)(void *arg);
    void *news_arg;
    struct listener *listener; /* NULL for one that hears nothing: a short command */
    void (*tell)(void *arg, const char *event, const char *reason, const char *next);
    void *tell_arg;
};

static struct shared *of(struct store *store) {
    return (struct shared *)store;
}

/* Identities are part of anything. */
static void bump(struct shared *store, enum store_topic topic) {
    if (topic == STORE_IDENTITIES) atomic_fetch_add(&store->generations[STORE_IDENTITIES], 1);
    atomic_fetch_add(&store->generations[STORE_ANYTHING], 1);
}

static void committed(struct shared *store, const struct did *did) {
    if (!did->changed) return;
    bump(store, did->touched ? STORE_IDENTITIES : STORE_ANYTHING);
    if (store->listener) listener_say(store->listener);
}

static bool write_change(struct store *base, enum store_scope scope, struct str workspace_id, store_fn *fn, void *arg,
                         struct error *reterr) {
    struct shared *store = of(base);
    struct did did = {false, false};
    const struct call call = {
        .scope = scope,
        .tells = !store->listener,
        .workspace_id = workspace_id,
        .ids = scope == SCOPE_CLAIM ? NULL : &store->ids, /* a claim that was lost ends by its lease */
        .fn = fn,
        .arg = arg,
        .until = store_until(store->wait_ms),
        .ask_ms = store->wait_ms / 2,
    };
    bool ok = transaction_run(store->pool, &call, &did, reterr);
    if (ok || reterr->code == ERR_UNSURE) committed(store, &did);
    return ok;
}

static bool read_snapshot(struct store *base, store_fn *fn, void *arg, struct error *reterr) {
    struct shared *store = of(base);
    struct did did;
    const struct call call = {.is_read = true, .fn = fn, .arg = arg, .until = store_until(store->wait_ms)};
    return transaction_run(store->pool, &call, &did, reterr);
}

static bool tally(struct store *store, int64_t wait_ms, store_fn *fn, void *arg, struct error *reterr) {
    return transaction_none(of(store)->pool, clock_steady_ms() + wait_ms, fn, arg, reterr);
}

/* ---- what changed ---- */

static uint64_t get_generation(struct store *store, enum store_topic topic) {
    return atomic_load(&of(store)->generations[topic]);
}

static void on_news(struct store *base, void (*fn)(void *arg), void *arg) {
    struct shared *store = of(base);
    pthread_mutex_lock(&store->news_mutex);
    store->news = fn;
    store->news_arg = arg;
    pthread_mutex_unlock(&store->news_mutex);
}

static void hear_news(void *arg) {
    struct shared *store = arg;
    bump(store, STORE_ANYTHING);
    pthread_mutex_lock(&store->news_mutex);
    if (store->news) store->news(store->news_arg);
    pthread_mutex_unlock(&store->news_mutex);
}

static void hear_identities(void *store) {
    bump(store, STORE_IDENTITIES);
}

static void tell(void *arg, const char *event, const char *reason, const char *next) {
    const struct shared *store = arg;
    if (store->tell) store->tell(store->tell_arg, event, reason, next);
}

static bool start_listener(struct shared *store, const struct store_config *config, struct error *reterr) {
    store->tell = config->tell;
    store->tell_arg = config->tell_arg;
    const struct listener_config listener = {
        .url = config->listen_url ? config->listen_url : config->url,
        .news = hear_news,
        .identities = hear_identities,
        .tell = tell,
        .arg = store,
    };
    return listener_start(&listener, &store->listener, reterr);
}

/* What cannot be deleted now is next time. */
static void clean(struct shared *store) {
    int64_t now = clock_steady_ms();
    bool more = false;
    struct error ignored;
    if (now < atomic_load(&store->clean_next)) return;
    if (!marks_clean(store->pool, now + CLEAN_WAIT_MS, &more, &ignored)) more = false;
    if (!more) atomic_store(&store->clean_next, now + CLEAN_EVERY_MS);
}

static void tidy(struct store *store) {
    pool_tidy(of(store)->pool);
    clean(of(store));
}

/* ---- opening ---- */

static void close_store(struct store *base) {
    struct shared *store = of(base);
    listener_stop(store->listener);
    pool_destroy(store->pool);
    pthread_mutex_destroy(&store->news_mutex);
    free(store);
}

static const struct store_ops ops = {
    .is_shared = true,
    .close = close_store,
    .write = write_change,
    .read = read_snapshot,
    .tally = tally,
    .generation = get_generation,
    .on_news = on_news,
    .tidy = tidy,
};

static bool migrate(const struct store_config *config, int64_t wait_ms, struct error *reterr) {
    struct db *db;
    if (!db_open_postgres(config->url, wait_ms, &db, reterr)) return false;
    /* Of a pool like PgBouncer there is no telling yet whether names of statements hold. */
    connection_fresh(db, true);
    connection_alone(db, MIGRATE_MS);
    bool ok = migrate_run(db, reterr);
    db_close(db);
    return ok;
}

bool store_open_postgres(const struct store_config *config, struct store **ret, struct error *reterr) {
    unsigned connections = config->connections ? config->connections : CONNECTIONS;
    int64_t wait_ms = config->wait_ms ? config->wait_ms : WAIT_MS;
    struct pool *pool;
    if (!migrate(config, wait_ms, reterr)) return false;
    if (!pool_create(config->url, config->single ? 1 : connections, &pool, reterr)) return false;
    struct shared *store = store_alloc(1, sizeof *store);
    store->base.ops = &ops;
    store->pool = pool;
    store->wait_ms = wait_ms;
    store->clock = clock_system();
    store->rng = rng_system();
    ids_init(&store->ids, &store->clock, &store->rng);
    atomic_init(&store->clean_next, 0);
    for (size_t i = 0; i < STORE_TOPIC_END; i++) atomic_init(&store->generations[i], 1);
    pthread_mutex_init(&store->news_mutex, NULL);
    if (!config->single && !start_listener(store, config, reterr)) {
        store->listener = NULL;
        close_store(&store->base);
        return false;
    }
    *ret = &store->base;
    return true;
}
