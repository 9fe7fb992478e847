#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/migrate.h"
#include "store/postgres/inside.h"
#include "store/postgres/marks.h"
#include "store/postgres/transaction.h"

enum {
    WAIT_MS = 10000,
    CONNECTIONS = 8,
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
};

static struct shared *of(struct store *store) {
    return (struct shared *)store;
}

static bool write_change(struct store *base, enum store_scope scope, struct str workspace_id, store_fn *fn, void *arg,
                         struct error *reterr) {
    struct shared *store = of(base);
    struct did did;
    const struct call call = {
        .scope = scope,
        .workspace_id = workspace_id,
        .ids = scope == SCOPE_CLAIM ? NULL : &store->ids, /* a claim that was lost ends by its lease */
        .fn = fn,
        .arg = arg,
        .until = clock_steady_ms() + store->wait_ms,
        .ask_ms = store->wait_ms / 2,
    };
    if (!transaction_run(store->pool, &call, &did, reterr)) return false;
    if (did.changed) inside_bump(base, did.touched ? STORE_IDENTITIES : STORE_ANYTHING);
    return true;
}

static bool read_snapshot(struct store *base, store_fn *fn, void *arg, struct error *reterr) {
    struct shared *store = of(base);
    struct did did;
    const struct call call = {.is_read = true, .fn = fn, .arg = arg, .until = clock_steady_ms() + store->wait_ms};
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

const struct target *inside_target(const struct store *store) {
    return pool_target(((const struct shared *)store)->pool);
}

void inside_bump(struct store *base, enum store_topic topic) {
    struct shared *store = of(base);
    if (topic == STORE_IDENTITIES) atomic_fetch_add(&store->generations[STORE_IDENTITIES], 1);
    atomic_fetch_add(&store->generations[STORE_ANYTHING], 1);
}

void inside_tell(struct store *base) {
    struct shared *store = of(base);
    pthread_mutex_lock(&store->news_mutex);
    if (store->news) store->news(store->news_arg);
    pthread_mutex_unlock(&store->news_mutex);
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
    connection_alone(db);
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
    *ret = &store->base;
    return true;
}
