#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "store/migrate.h"
#include "store/postgres/inside.h"

enum {
    WAIT_MS = 10000,
    CONNECTIONS = 8,
    PAUSE_MS = 20,  /* before a transaction is run again, at most; twice as much each time, up to 16 times */
    SLACK_MS = 500, /* the server's own time-outs come first: they say more */
};

struct shared {
    struct store base;
    struct pool *pool;
    int64_t wait_ms;
    _Atomic uint64_t generations[STORE_TOPIC_END];
    pthread_mutex_t news_mutex; /* held while the function runs */
    void (*news)(void *arg);
    void *news_arg;
};

static struct shared *of(struct store *store) {
    return (struct shared *)store;
}

/* ---- one transaction ---- */

/* A change or a read, and until when it may be tried. */
struct call {
    enum store_scope scope;
    struct str workspace_id;
    bool is_read;
    store_fn *fn;
    void *arg;
    int64_t until;
};

enum outcome {
    OUTCOME_DONE,
    OUTCOME_FAILED, /* nothing happened, and the caller is to know why */
    OUTCOME_AGAIN,  /* nothing happened, and it may work next time */
    OUTCOME_UNSURE,
};

/* Limits of this transaction, not of the session: with PgBouncer the next one may be somebody else's. */
static bool queue_limits(struct db *db, int64_t until, struct error *reterr) {
    int64_t left = until - clock_steady_ms();
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)(left > 1 ? left : 1));
    struct stmt *stmt =
        db_stmt(db, "SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true),"
                    " set_config('idle_in_transaction_session_timeout', $1, true)");
    stmt_text(stmt, 1, str_of(text));
    return stmt_queue(stmt, reterr);
}

/* 1684437348 is the class of dfyd's advisory locks; its first key is migrate.c's. The locks of workspaces are apart. */
static bool queue_locks(struct db *db, const struct call *call, struct error *reterr) {
    struct stmt *stmt;
    switch (call->scope) {
    case SCOPE_OPERATOR:
        stmt = db_stmt(db, "SELECT pg_advisory_xact_lock(1684437348, 2)");
        break;
    case SCOPE_WORKSPACE:
        stmt = db_stmt(db, "SELECT pg_advisory_xact_lock_shared(1684437348, 2), pg_advisory_xact_lock($1)");
        stmt_int(stmt, 1, (int64_t)str_hash(call->workspace_id));
        break;
    case SCOPE_CLAIM:
    default:
        stmt = db_stmt(db, "SELECT pg_advisory_xact_lock_shared(1684437348, 2)");
        break;
    }
    return stmt_queue(stmt, reterr);
}

static bool queue_begin(struct db *db, const struct call *call, struct error *reterr) {
    if (call->is_read)
        return stmt_queue(db_stmt(db, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"), reterr) &&
               queue_limits(db, call->until, reterr);
    return stmt_queue(db_stmt(db, "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"), reterr) &&
           queue_limits(db, call->until, reterr) && queue_locks(db, call, reterr);
}

/* A commit that waits for a standby must not be cut short by the time-out: it would be kept here and not there. */
static bool queue_end(struct db *db, struct error *reterr) {
    if (!stmt_queue(db_stmt(db, "SELECT set_config('statement_timeout', '0', true)"), reterr)) return false;
    if (!connection_touched(db)) return true;
    return stmt_queue(db_stmt(db, "SELECT pg_notify('" CHANNEL_IDENTITIES "', '')"), reterr);
}

static enum outcome again(const struct db *db, struct error *reterr) {
    *reterr = *connection_failure(db);
    return OUTCOME_AGAIN;
}

static enum outcome commit(struct db *db, struct error *reterr) {
    bool was_sent = false;
    if (queue_end(db, reterr) && connection_commit(db, &was_sent, reterr)) return OUTCOME_DONE;
    enum trouble trouble = connection_trouble(db);
    if (trouble == TROUBLE_LOST && was_sent) return OUTCOME_UNSURE;
    if (trouble > TROUBLE_STATEMENT) return again(db, reterr);
    *reterr = *connection_failure(db);
    connection_leave(db);
    return OUTCOME_FAILED;
}

static enum outcome run_once(struct db *db, const struct call *call, struct error *reterr) {
    connection_until(db, call->until + SLACK_MS);
    *reterr = (struct error){ERR_NONE, ""};
    bool ok = queue_begin(db, call, reterr);
    connection_mine(db, false);
    ok = ok && call->fn(db, call->arg, reterr);
    db_rest(db);
    enum trouble trouble = connection_trouble(db);
    if (trouble > TROUBLE_STATEMENT) {
        connection_leave(db);
        return again(db, reterr);
    }
    if (ok && trouble == TROUBLE_STATEMENT) {
        ok = error_set(reterr, ERR_INTERNAL, "a statement failed, and its change was to be kept: %s",
                       connection_failure(db)->message);
    }
    if (ok && !call->is_read && connection_may_have_changed(db)) return commit(db, reterr);
    connection_leave(db);
    return ok ? OUTCOME_DONE : OUTCOME_FAILED;
}

/* ---- until it is done ---- */

static void pause_before(int times, int64_t until) {
    int64_t most = PAUSE_MS << (times < 4 ? times : 4), left = until - clock_steady_ms();
    if (most > left) most = left > 1 ? left : 1;
    int64_t ms = 1 + randombytes_uniform((uint32_t)most);
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void learn(struct shared *store, enum trouble trouble) {
    if (trouble == TROUBLE_LOST || trouble == TROUBLE_AFRESH) pool_suspect(store->pool);
    if (trouble == TROUBLE_UNNAMED) pool_go_unnamed(store->pool);
}

static void committed(struct shared *store, bool identities) {
    inside_bump(&store->base, identities ? STORE_IDENTITIES : STORE_ANYTHING);
}

static bool run_call(struct shared *store, const struct call *call, struct error *reterr) {
    for (int times = 0;; times++) {
        struct db *db;
        if (!pool_take(store->pool, call->until, &db, reterr)) return false;
        enum outcome outcome = run_once(db, call, reterr);
        bool changed = !call->is_read && connection_may_have_changed(db), identities = connection_touched(db);
        learn(store, connection_trouble(db));
        pool_give(store->pool, db);
        switch (outcome) {
        case OUTCOME_DONE:
            if (changed) committed(store, identities);
            return true;
        case OUTCOME_FAILED:
            return false;
        case OUTCOME_UNSURE:
            return error_set(reterr, ERR_UNSURE,
                             "the connection to the database was lost during a commit: it is not"
                             " known whether it happened");
        case OUTCOME_AGAIN:
            break;
        }
        if (clock_steady_ms() >= call->until) return false;
        pause_before(times, call->until);
    }
}

static bool write_change(struct store *base, enum store_scope scope, struct str workspace_id, store_fn *fn, void *arg,
                         struct error *reterr) {
    struct shared *store = of(base);
    const struct call call = {scope, workspace_id, false, fn, arg, clock_steady_ms() + store->wait_ms};
    return run_call(store, &call, reterr);
}

static bool read_snapshot(struct store *base, store_fn *fn, void *arg, struct error *reterr) {
    struct shared *store = of(base);
    const struct call call = {.is_read = true, .fn = fn, .arg = arg, .until = clock_steady_ms() + store->wait_ms};
    return run_call(store, &call, reterr);
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

static void tidy(struct store *store) {
    pool_tidy(of(store)->pool);
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
    .generation = get_generation,
    .on_news = on_news,
    .tidy = tidy,
};

static bool migrate(const struct store_config *config, int64_t wait_ms, struct error *reterr) {
    struct db *db;
    if (!db_open_postgres(config->url, wait_ms, &db, reterr)) return false;
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
    for (size_t i = 0; i < STORE_TOPIC_END; i++) atomic_init(&store->generations[i], 1);
    pthread_mutex_init(&store->news_mutex, NULL);
    *ret = &store->base;
    return true;
}
