#include "api/restrictions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/restrictions.h"

enum { ROWS_CHUNK = 16384 };

/* One compiled edition of the rows. Freed when neither the newest nor held by a thread. */
struct edition {
    int64_t version;
    struct restricted *restricted;
    size_t holders; /* under the mutex */
};

/* A thread's own; found through the thread key, freed through the list. */
struct holder {
    struct holder *next;
    uint64_t generation; /* of the store, at which the edition was the newest */
    struct edition *edition;
};

struct restrictions {
    struct store *store;
    pthread_key_t holder_of_thread;
    _Atomic(struct holder *) holders;
    pthread_mutex_t mutex;
    struct edition *newest; /* holds it too; NULL: none yet */
    uint64_t generation;    /* at which that was found to be the newest */
};

struct restrictions *restrictions_create(struct store *store) {
    struct restrictions *r = calloc(1, sizeof *r);
    if (!r || pthread_key_create(&r->holder_of_thread, NULL) != 0) abort();
    r->store = store;
    atomic_init(&r->holders, NULL);
    pthread_mutex_init(&r->mutex, NULL);
    return r;
}

static void let_go(struct edition *edition) {
    if (!edition || --edition->holders) return;
    restricted_destroy(edition->restricted);
    free(edition);
}

void restrictions_destroy(struct restrictions *r) {
    if (!r) return;
    for (struct holder *holder = atomic_load(&r->holders), *next; holder; holder = next) {
        next = holder->next;
        let_go(holder->edition);
        free(holder);
    }
    let_go(r->newest);
    pthread_mutex_destroy(&r->mutex);
    pthread_key_delete(r->holder_of_thread);
    free(r);
}

static struct holder *own_holder(struct restrictions *r) {
    struct holder *holder = pthread_getspecific(r->holder_of_thread);
    if (holder) return holder;
    holder = calloc(1, sizeof *holder);
    if (!holder || pthread_setspecific(r->holder_of_thread, holder) != 0) abort();
    holder->next = atomic_load(&r->holders);
    while (!atomic_compare_exchange_weak(&r->holders, &holder->next, holder)) {}
    return holder;
}

struct reading {
    struct arena *arena;
    int64_t version;
    struct restriction *rows;
    size_t n;
};

static bool read_version(struct db *db, void *arg, struct error *reterr) {
    return restrictions_version(db, arg, reterr);
}

static bool read_rows(struct db *db, void *arg, struct error *reterr) {
    struct reading *reading = arg;
    return restrictions_version(db, &reading->version, reterr) &&
           restrictions_list(db, reading->arena, &reading->rows, NULL, &reading->n, reterr);
}

/* Under the mutex: makes the newest edition at least VERSION. */
static bool renew(struct restrictions *r, int64_t version, struct error *reterr) {
    if (r->newest && r->newest->version >= version) return true;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(ROWS_CHUNK);
    struct reading reading = {.arena = arena};
    if (!store_read(r->store, read_rows, &reading, reterr)) return false;
    struct edition *edition = malloc(sizeof *edition);
    if (!edition) abort();
    *edition = (struct edition){
        .version = reading.version,
        .restricted = restricted_create_default(reading.rows, reading.n),
        .holders = 1,
    };
    let_go(r->newest);
    r->newest = edition;
    return true;
}

/* Under the mutex. */
static void move(struct restrictions *r, struct holder *holder) {
    r->newest->holders++;
    let_go(holder->edition);
    holder->edition = r->newest;
    holder->generation = r->generation;
}

/* Moves HOLDER to the newest edition, if another thread has looked since GENERATION. */
static bool take_known(struct restrictions *r, struct holder *holder, uint64_t generation) {
    pthread_mutex_lock(&r->mutex);
    bool is_known = r->newest && r->generation >= generation;
    if (is_known) move(r, holder);
    pthread_mutex_unlock(&r->mutex);
    return is_known;
}

/* Moves HOLDER to the newest edition, which is VERSION, as found at GENERATION, or later. */
static bool take(struct restrictions *r, struct holder *holder, int64_t version, uint64_t generation,
                 struct error *reterr) {
    pthread_mutex_lock(&r->mutex);
    bool ok = renew(r, version, reterr);
    if (ok && r->generation < generation) r->generation = generation;
    if (ok) move(r, holder);
    pthread_mutex_unlock(&r->mutex);
    return ok;
}

bool restrictions_now(struct restrictions *r, const struct restricted **ret, struct error *reterr) {
    struct holder *holder = own_holder(r);
    uint64_t generation = store_generation(r->store, STORE_IDENTITIES);
    if ((!holder->edition || holder->generation < generation) && !take_known(r, holder, generation)) {
        int64_t version;
        if (!store_read(r->store, read_version, &version, reterr) || !take(r, holder, version, generation, reterr))
            return false;
    }
    *ret = holder->edition->restricted;
    return true;
}
