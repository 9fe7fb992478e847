#include "api/limiter.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { KEY = 36, SHARDS = 64, WAYS = 8, LINE = 64, SETS = LIMITER_PLACES / SHARDS / WAYS };

struct place {
    char workspace_id[KEY];
    uint32_t tag; /* 0: free; 1: all requests; 2 + the route's number */
    struct allowance allowance;
};
_Static_assert(sizeof(struct place) == LINE, "one cache line");

/* A workspace and all its routes live in one set, so that one lock holds what one request asks for. */
struct shard {
    _Alignas(LINE) pthread_mutex_t mutex;
    struct place (*sets)[WAYS];
};

struct limiter {
    struct shard shards[SHARDS];
    void *memory; /* the places, and what they lack to begin at a cache line */
};

enum { MEMORY = LIMITER_PLACES * sizeof(struct place) + LINE };

struct limiter *limiter_create(void) {
    struct limiter *limiter = aligned_alloc(LINE, sizeof *limiter);
    /* The system gives it zeroed, and places that are never used take no memory. */
    void *memory = calloc(1, MEMORY);
    if (!limiter || !memory) abort();
    limiter->memory = memory;
    struct place(*sets)[WAYS] = (void *)((char *)memory + (LINE - (uintptr_t)memory % LINE));
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&limiter->shards[i].mutex, NULL);
        limiter->shards[i].sets = sets + i * SETS;
    }
    return limiter;
}

void limiter_destroy(struct limiter *limiter) {
    if (!limiter) return;
    for (size_t i = 0; i < SHARDS; i++) pthread_mutex_destroy(&limiter->shards[i].mutex);
    free(limiter->memory);
    free(limiter);
}

size_t limiter_size(void) {
    return sizeof(struct limiter) + MEMORY;
}

/* 64-bit mixing by multiplication (the constants are those of xxHash); ids are not chosen by clients. */
static uint64_t hash_key(const char key[KEY]) {
    uint64_t words[4], h = 0x9e3779b185ebca87u;
    uint32_t last;
    memcpy(words, key, sizeof words);
    memcpy(&last, key + sizeof words, sizeof last);
    for (size_t i = 0; i < 4; i++) h = ((h ^ words[i]) * 0xc2b2ae3d27d4eb4fu) ^ (h >> 29);
    h = (h ^ last) * 0x9e3779b185ebca87u;
    return h ^ (h >> 32);
}

static uint32_t least_left(const struct allowance *allowance, int64_t now_ms) {
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < LIMIT_WINDOWS; i++)
        if (now_ms < allowance->end_ms[i] && allowance->left[i] < least) least = allowance->left[i];
    return least; /* UINT32_MAX: idle */
}

/* The allowance under KEY and TAG in SET, made if need be; never the place KEPT. */
static struct allowance *find(struct place set[WAYS], const char key[KEY], uint32_t tag, const struct place *kept,
                              int64_t now_ms) {
    struct place *victim = &set[kept == &set[0] ? 1 : 0];
    uint32_t victim_left = 0;
    for (size_t i = 0; i < WAYS; i++) {
        struct place *place = &set[i];
        if (place->tag == tag && memcmp(place->workspace_id, key, KEY) == 0) return &place->allowance;
        if (place == kept) continue;
        uint32_t left = place->tag ? least_left(&place->allowance, now_ms) : UINT32_MAX;
        if (left <= victim_left) continue;
        victim = place;
        victim_left = left;
    }
    *victim = (struct place){.tag = tag};
    memcpy(victim->workspace_id, key, KEY);
    return &victim->allowance;
}

struct limit_verdict limiter_ask(struct limiter *limiter, struct str workspace_id, const struct limits *all,
                                 size_t route, const struct limits *of_route, int64_t now_ms) {
    char key[KEY] = {0};
    memcpy(key, workspace_id.p, workspace_id.n < KEY ? workspace_id.n : KEY);
    uint64_t hash = hash_key(key);
    struct shard *shard = &limiter->shards[hash % SHARDS];
    struct place *set = shard->sets[hash / SHARDS % SETS];
    struct limited limited[2] = {{.limits = all}, {.limits = of_route}};
    pthread_mutex_lock(&shard->mutex);
    limited[0].allowance = find(set, key, 1, NULL, now_ms);
    if (of_route) {
        const struct place *kept =
            (const struct place *)((const char *)limited[0].allowance - offsetof(struct place, allowance));
        limited[1].allowance = find(set, key, 2 + (uint32_t)route, kept, now_ms);
    }
    struct limit_verdict verdict = limit_ask(limited, of_route ? 2 : 1, now_ms);
    pthread_mutex_unlock(&shard->mutex);
    return verdict;
}
