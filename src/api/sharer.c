#include "api/sharer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/share.h"
#include "store/rates.h"

enum { KEY = 36, SHARDS = 64, WAYS = 8, SETS = SHARER_PLACES / SHARDS / WAYS, WAIT_MS = 1000, KIND_MAX = 160 };

/* The windows of a workspace, or of one of its calls. */
struct place {
    char workspace_id[KEY];
    uint32_t tag;     /* 0: free; 1: all requests; 2 + the route's number */
    uint32_t users;   /* threads in sharer_ask: it stays */
    uint32_t waiting; /* of them, those that wait for an answer */
    bool is_asking;   /* of the place of all requests: one thread asks for the workspace at a time */
    struct shares shares;
};

/* A workspace and its routes live in one set. */
struct shard {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* an answer came, or a place is free */
    size_t seekers;         /* threads that wait for a free place */
    struct place (*sets)[WAYS];
};

struct sharer {
    struct store *store;
    sharer_nodes_fn *nodes;
    void *nodes_arg;
    struct shard shards[SHARDS];
    struct place (*sets)[WAYS];
};

struct sharer *sharer_create(struct store *store, sharer_nodes_fn *nodes, void *arg) {
    struct sharer *sharer = calloc(1, sizeof *sharer);
    /* The system gives it zeroed, and places that are never used take no memory. */
    struct place(*sets)[WAYS] = calloc(SHARER_PLACES / WAYS, sizeof *sets);
    if (!sharer || !sets) abort();
    sharer->store = store;
    sharer->nodes = nodes;
    sharer->nodes_arg = arg;
    sharer->sets = sets;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&sharer->shards[i].mutex, NULL);
        pthread_cond_init(&sharer->shards[i].changed, NULL);
        sharer->shards[i].sets = sets + i * SETS;
    }
    return sharer;
}

void sharer_destroy(struct sharer *sharer) {
    if (!sharer) return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_cond_destroy(&sharer->shards[i].changed);
        pthread_mutex_destroy(&sharer->shards[i].mutex);
    }
    free(sharer->sets);
    free(sharer);
}

/* ---- places ---- */

/* The end of the last window that something is kept of; a place with the earliest is given away first. */
static int64_t kept_until(const struct place *place) {
    int64_t latest = 0;
    for (size_t i = 0; i < LIMIT_WINDOWS; i++)
        if (place->shares.of[i].end_ms > latest) latest = place->shares.of[i].end_ms;
    return place->tag ? latest : INT64_MIN;
}

/* The place under KEY and TAG in SET, made if need be; NULL while all are in use. */
static struct place *find(struct place set[WAYS], const char key[KEY], uint32_t tag) {
    struct place *victim = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        struct place *place = &set[i];
        if (place->tag == tag && memcmp(place->workspace_id, key, KEY) == 0) return place;
        if (!place->users && (!victim || kept_until(place) < kept_until(victim))) victim = place;
    }
    if (!victim) return NULL;
    *victim = (struct place){.tag = tag};
    memcpy(victim->workspace_id, key, KEY);
    return victim;
}

/* ---- questions ---- */

/* One request, and what it is limited by. */
struct asker {
    struct sharer *sharer;
    struct str workspace_id;
    const struct sharer_route *route;
    struct place *places[2]; /* of all requests, of the route's */
    struct shared shared[2];
    size_t n;
    unsigned nodes;
};

/* What is asked at once, of which windows. */
struct asking {
    const struct asker *asker;
    struct rate_question questions[RATES_AT_ONCE];
    char kinds[RATES_AT_ONCE][KIND_MAX];
    struct share *shares[RATES_AT_ONCE];
    const struct limit *limits[RATES_AT_ONCE];
    struct share_answer answers[RATES_AT_ONCE];
    size_t n;
};

static void put_kind(const struct asker *asker, size_t k, const struct limit *limit, char ret[KIND_MAX]) {
    if (k == 0)
        snprintf(ret, KIND_MAX, "all:%u", limit->lasts_ms);
    else
        snprintf(ret, KIND_MAX, "%s:%s:%u", asker->route->method, asker->route->path, limit->lasts_ms);
}

static void collect(struct asking *asking, const struct asker *asker, int64_t now_ms) {
    asking->asker = asker;
    asking->n = 0;
    for (size_t k = 0; k < asker->n; k++)
        for (size_t i = 0; i < LIMIT_WINDOWS; i++) {
            const struct limit *limit = &asker->shared[k].limits->of[i];
            struct share *share = &asker->shared[k].shares->of[i];
            if (!share_lacks(share, limit, now_ms)) continue;
            size_t at = asking->n++;
            put_kind(asker, k, limit, asking->kinds[at]);
            asking->questions[at] = (struct rate_question){
                .kind = str_of(asking->kinds[at]),
                .asks = share_question(share, limit, 1 + asker->places[k]->waiting, asker->nodes, now_ms),
            };
            asking->shares[at] = share;
            asking->limits[at] = limit;
        }
}

static bool take(struct db *db, void *arg, struct error *reterr) {
    struct asking *asking = arg;
    return rates_take(db, asking->asker->workspace_id, asking->questions, asking->n, asking->answers, reterr);
}

/* Asks for all that lacks, without the lock meanwhile. */
static void ask(struct shard *shard, const struct asker *asker, int64_t now_ms) {
    struct asking asking;
    struct error error; /* of the database, about which others complain */
    collect(&asking, asker, now_ms);
    asker->places[0]->is_asking = true;
    pthread_mutex_unlock(&shard->mutex);
    bool ok = store_tally(asker->sharer->store, WAIT_MS, take, &asking, &error);
    pthread_mutex_lock(&shard->mutex);
    asker->places[0]->is_asking = false;
    now_ms = clock_steady_ms();
    for (size_t i = 0; i < asking.n; i++) {
        if (ok)
            share_take(asking.shares[i], &asking.answers[i], now_ms);
        else
            share_alone(asking.shares[i], asking.limits[i], asker->nodes, now_ms);
    }
    pthread_cond_broadcast(&shard->changed);
}

/* Until something changes; whoever asks meanwhile asks for this one, too. */
static void wait_for_answer(struct shard *shard, const struct asker *asker) {
    for (size_t k = 0; k < asker->n; k++) asker->places[k]->waiting++;
    pthread_cond_wait(&shard->changed, &shard->mutex);
    for (size_t k = 0; k < asker->n; k++) asker->places[k]->waiting--;
}

static struct limit_verdict decide(struct shard *shard, const struct asker *asker) {
    struct limit_verdict verdict;
    for (;;) {
        int64_t now_ms = clock_steady_ms();
        if (share_try(asker->shared, asker->n, asker->nodes, now_ms, &verdict) != SHARE_ASK) return verdict;
        if (asker->places[0]->is_asking)
            wait_for_answer(shard, asker);
        else
            ask(shard, asker, now_ms);
    }
}

static bool find_places(struct asker *asker, struct place set[WAYS], const char key[KEY]) {
    asker->places[0] = find(set, key, 1);
    if (!asker->places[0]) return false;
    asker->places[0]->users++;
    if (asker->n > 1) {
        asker->places[1] = find(set, key, 2 + (uint32_t)asker->route->number);
        if (!asker->places[1]) {
            asker->places[0]->users--;
            return false;
        }
        asker->places[1]->users++;
    }
    for (size_t k = 0; k < asker->n; k++) asker->shared[k].shares = &asker->places[k]->shares;
    return true;
}

struct limit_verdict sharer_ask(struct sharer *sharer, struct str workspace_id, const struct limits *all,
                                const struct sharer_route *route) {
    char key[KEY] = {0};
    memcpy(key, workspace_id.p, workspace_id.n < KEY ? workspace_id.n : KEY);
    uint64_t hash = str_hash((struct str){key, KEY});
    struct shard *shard = &sharer->shards[hash % SHARDS];
    struct place *set = shard->sets[hash / SHARDS % SETS];
    struct asker asker = {
        .sharer = sharer,
        .workspace_id = workspace_id,
        .route = route,
        .shared = {{.limits = all}, {.limits = route->limits}},
        .n = route->limits ? 2 : 1,
        .nodes = sharer->nodes(sharer->nodes_arg),
    };
    pthread_mutex_lock(&shard->mutex);
    while (!find_places(&asker, set, key)) {
        shard->seekers++;
        pthread_cond_wait(&shard->changed, &shard->mutex);
        shard->seekers--;
    }
    struct limit_verdict verdict = decide(shard, &asker);
    for (size_t k = 0; k < asker.n; k++) asker.places[k]->users--;
    if (shard->seekers) pthread_cond_broadcast(&shard->changed);
    pthread_mutex_unlock(&shard->mutex);
    return verdict;
}
