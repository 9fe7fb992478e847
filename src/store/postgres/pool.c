#include "store/postgres/pool.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/engine.h"
#include "store/postgres/link.h"

enum {
    IDLE_MS = 60000,  /* a connection that nobody used for so long is closed */
    GRACE_MS = 1000,  /* so long calls wait for a server that cannot be reached, before they fail at once */
    PAUSE_MS = 200,   /* between two tries to connect, and up to as much again */
    SETTLE_MS = 1000, /* for what ends a transaction to be answered, at most; half of the time that is left, if less */
    FULL_MS = 1000,   /* so long no more connections are tried after the server had no room */
};

struct idle {
    struct db *db;
    int64_t since;
};

struct pool {
    struct target *target;
    unsigned max;
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t some;
    struct idle *idle; /* the last one was used last */
    unsigned n_idle, n_open;
    size_t host; /* the one that answered last */
    bool unnamed;
    int64_t reached;    /* when a connection was made, the last time */
    int64_t away_since; /* 0: the server can be reached */
    int64_t next_try;   /* while it is away */
    bool is_trying;
    int64_t full_until;
    struct error why;
};

bool pool_create(const char *url, unsigned max, struct pool **ret, struct error *reterr) {
    struct target *target;
    if (!target_parse(url, &target, reterr)) return false;
    struct pool *pool = store_alloc(1, sizeof *pool);
    pool->target = target;
    pool->max = max;
    pool->idle = store_alloc(max, sizeof *pool->idle);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->some, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&pool->mutex, NULL);
    *ret = pool;
    return true;
}

/* Closes the idle ones that were used before BEFORE. Called with the mutex, which it leaves meanwhile. */
static void close_idle(struct pool *pool, int64_t before) {
    unsigned n = 0;
    while (n < pool->n_idle && pool->idle[n].since < before) n++;
    if (!n) return;
    struct idle *old = store_alloc(n, sizeof *old);
    memcpy(old, pool->idle, n * sizeof *old);
    memmove(pool->idle, pool->idle + n, (pool->n_idle - n) * sizeof *old);
    pool->n_idle -= n;
    pool->n_open -= n;
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < n; i++) db_close(old[i].db);
    free(old);
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->some);
}

void pool_destroy(struct pool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    close_idle(pool, INT64_MAX);
    pthread_mutex_unlock(&pool->mutex);
    pthread_cond_destroy(&pool->some);
    pthread_mutex_destroy(&pool->mutex);
    target_destroy(pool->target);
    free(pool->idle);
    free(pool);
}

static void wait_until(struct pool *pool, int64_t until) {
    struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_cond_timedwait(&pool->some, &pool->mutex, &t);
}

/* The time until then is not all spent on a connection that may be in the dark. */
static int64_t settle_until(int64_t until) {
    int64_t now = clock_steady_ms(), half = (until - now) / 2;
    return now + (half < SETTLE_MS ? half : SETTLE_MS);
}

/* One that was used before and still works; NULL: none. Called with the mutex, which it leaves meanwhile. */
static struct db *reuse(struct pool *pool, int64_t until) {
    while (pool->n_idle && clock_steady_ms() < until) {
        struct db *db = pool->idle[--pool->n_idle].db;
        pthread_mutex_unlock(&pool->mutex);
        connection_until(db, settle_until(until));
        bool settled = connection_settle(db), ok = settled && link_is_quiet(connection_raw(db));
        if (!ok) db_close(db);
        pthread_mutex_lock(&pool->mutex);
        if (ok) return db;
        pool->n_open--;
        if (!settled) close_idle(pool, INT64_MAX); /* their way is the same */
    }
    return NULL;
}

static void note_failure(struct pool *pool, int64_t began, bool full, const struct error *why) {
    int64_t now = clock_steady_ms();
    if (full && pool->n_open) {
        pool->full_until = now + FULL_MS;
        return;
    }
    if (began <= pool->reached) return; /* an outage that is over by now */
    if (!pool->away_since) pool->away_since = began;
    pool->next_try = now + PAUSE_MS + randombytes_uniform(PAUSE_MS);
    pool->why = *why;
}

/* Called with the mutex, which it leaves meanwhile. NULL: it failed, *reterr says why. */
static struct db *open_one(struct pool *pool, int64_t until, struct error *reterr) {
    struct db *db = NULL;
    size_t host = pool->host;
    bool full = false, alone = pool->away_since != 0;
    if (alone) pool->is_trying = true;
    pool->n_open++;
    pthread_mutex_unlock(&pool->mutex);
    int64_t began = clock_steady_ms();
    bool ok = connection_open(pool->target, until, &host, &db, &full, reterr);
    pthread_mutex_lock(&pool->mutex);
    if (alone) pool->is_trying = false;
    if (ok) {
        pool->host = host;
        pool->reached = clock_steady_ms();
        pool->away_since = 0;
    } else {
        pool->n_open--;
        note_failure(pool, began, full, reterr);
    }
    pthread_cond_broadcast(&pool->some);
    return db;
}

/* Nothing is idle: a new one, or NULL after waiting for something to change. *ret_over: there is no use in waiting. */
static struct db *obtain(struct pool *pool, int64_t until, bool *ret_over, struct error *reterr) {
    int64_t now = clock_steady_ms();
    *ret_over = now >= until;
    if (*ret_over) return NULL;
    if (pool->n_open >= pool->max || now < pool->full_until) {
        error_set(reterr, ERR_UNAVAILABLE, "all connections to the database are in use (%u)", pool->n_open);
        wait_until(pool, until);
        return NULL;
    }
    if (!pool->away_since || (!pool->is_trying && now >= pool->next_try)) return open_one(pool, until, reterr);
    *reterr = pool->why;
    *ret_over = now - pool->away_since > GRACE_MS;
    if (!*ret_over) wait_until(pool, !pool->is_trying && pool->next_try < until ? pool->next_try : until);
    return NULL;
}

bool pool_take(struct pool *pool, int64_t until, struct db **ret, struct error *reterr) {
    bool over = false;
    error_set(reterr, ERR_UNAVAILABLE, "the database is away (there was no time left to ask it)");
    pthread_mutex_lock(&pool->mutex);
    struct db *db = reuse(pool, until);
    while (!db && !over) {
        db = obtain(pool, until, &over, reterr);
        if (!db && !over) db = reuse(pool, until);
    }
    bool unnamed = pool->unnamed;
    pthread_mutex_unlock(&pool->mutex);
    if (!db) return false;
    connection_until(db, until);
    connection_fresh(db, unnamed);
    *ret = db;
    return true;
}

void pool_give(struct pool *pool, struct db *db) {
    bool good = connection_is_good(db);
    if (!good) db_close(db);
    pthread_mutex_lock(&pool->mutex);
    if (good)
        pool->idle[pool->n_idle++] = (struct idle){db, clock_steady_ms()};
    else
        pool->n_open--;
    pthread_cond_signal(&pool->some);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_suspect(struct pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    close_idle(pool, INT64_MAX);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_tidy(struct pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    close_idle(pool, clock_steady_ms() - IDLE_MS);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_go_unnamed(struct pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    pool->unnamed = true;
    pthread_mutex_unlock(&pool->mutex);
}
