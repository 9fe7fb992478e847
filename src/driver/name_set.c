#include "driver/name_set.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"

enum { FIRST_SLOTS = 256, CHUNK = 16 * 1024 }; /* slots: a power of two */

struct entry {
    uint64_t hash;
    size_t n;
    char text[];
};

/* Open addressing with linear probing; always less than half full, so that every probe ends. */
struct table {
    size_t mask;
    _Atomic(const struct entry *) slots[];
};

struct name_set {
    _Atomic(struct table *) table;
    pthread_mutex_t mutex; /* for adding */
    struct arena *arena;   /* entries and tables; outgrown tables stay, since a reader may still be in one */
    size_t count;
};

static struct table *table_create(struct arena *arena, size_t slots) {
    struct table *table = arena_alloc(arena, sizeof *table + slots * sizeof table->slots[0]);
    table->mask = slots - 1;
    return table;
}

struct name_set *name_set_create(void) {
    struct arena *arena = arena_create(CHUNK);
    struct name_set *set = ARENA_NEW(arena, struct name_set);
    set->arena = arena;
    atomic_init(&set->table, table_create(arena, FIRST_SLOTS));
    pthread_mutex_init(&set->mutex, NULL);
    return set;
}

void name_set_destroy(struct name_set *set) {
    if (!set) return;
    pthread_mutex_destroy(&set->mutex);
    arena_destroy(set->arena); /* SET itself is from it */
}

/* The slot that holds NAME, or the free one where it belongs. */
static size_t slot_of(const struct table *table, struct str name, uint64_t hash, bool *ret_found) {
    for (size_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        const struct entry *e = atomic_load_explicit(&table->slots[i], memory_order_acquire);
        *ret_found = e && e->hash == hash && str_eq((struct str){e->text, e->n}, name);
        if (*ret_found || !e) return i;
    }
}

bool name_set_has(const struct name_set *set, struct str name) {
    bool found;
    slot_of(atomic_load_explicit(&set->table, memory_order_acquire), name, str_hash(name), &found);
    return found;
}

static struct table *grown(struct name_set *set, const struct table *old) {
    struct table *table = table_create(set->arena, (old->mask + 1) * 2);
    for (size_t i = 0; i <= old->mask; i++) {
        const struct entry *e = atomic_load_explicit(&old->slots[i], memory_order_relaxed);
        if (!e) continue;
        bool found;
        size_t at = slot_of(table, (struct str){e->text, e->n}, e->hash, &found);
        atomic_store_explicit(&table->slots[at], e, memory_order_relaxed);
    }
    atomic_store_explicit(&set->table, table, memory_order_release);
    return table;
}

void name_set_add(struct name_set *set, struct str name) {
    const uint64_t hash = str_hash(name);
    pthread_mutex_lock(&set->mutex);
    struct table *table = atomic_load_explicit(&set->table, memory_order_relaxed);
    bool found;
    size_t at = slot_of(table, name, hash, &found);
    if (!found) {
        if ((set->count + 1) * 2 > table->mask) {
            table = grown(set, table);
            at = slot_of(table, name, hash, &found);
        }
        struct entry *entry = arena_alloc(set->arena, sizeof *entry + name.n);
        entry->hash = hash;
        entry->n = name.n;
        if (name.n) memcpy(entry->text, name.p, name.n);
        atomic_store_explicit(&table->slots[at], entry, memory_order_release);
        set->count++;
    }
    pthread_mutex_unlock(&set->mutex);
}
