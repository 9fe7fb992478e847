#include "edge/book.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SLOTS_FIRST = 64, TIDY_EVERY = 256 };

/* An open hash table: an entry stands at its hash's place or after it, before the first empty one. */
struct slots {
    size_t n, mask; /* of mask + 1 places: how many are not empty, be it by what was taken out */
    _Atomic(struct book_entry *) at[];
};

/* Where something was taken out: the search goes on behind it. */
static struct book_entry taken_out;

/* One thread's own line of the cache: the age at which it began to look, 0 while it does not. */
struct looker {
    _Alignas(64) _Atomic uint64_t since;
    struct looker *next;
};

/* What was taken out, or slots that were left, at some age. */
struct old {
    struct old *next;
    uint64_t age;
    void *memory;
};

struct book {
    _Atomic(struct slots *) slots;
    _Atomic uint64_t age; /* grows with whatever is taken out */
    pthread_key_t looker_of_thread;
    _Atomic(struct looker *) lookers;
    /* Of the writer: */
    size_t count;
    struct old *first, **end;
    unsigned since_tidy;
};

static struct slots *slots_create(size_t n) {
    struct slots *slots = calloc(1, sizeof *slots + n * sizeof slots->at[0]);
    if (!slots) abort();
    slots->mask = n - 1;
    return slots;
}

struct book *book_create(void) {
    struct book *book = calloc(1, sizeof *book);
    if (!book || pthread_key_create(&book->looker_of_thread, NULL) != 0) abort();
    atomic_init(&book->slots, slots_create(SLOTS_FIRST));
    atomic_init(&book->age, 1);
    atomic_init(&book->lookers, NULL);
    book->end = &book->first;
    return book;
}

void book_destroy(struct book *book) {
    if (!book) return;
    struct slots *slots = atomic_load(&book->slots);
    for (size_t i = 0; i <= slots->mask; i++) {
        struct book_entry *entry = atomic_load(&slots->at[i]);
        if (entry != &taken_out) free(entry);
    }
    free(slots);
    for (struct old *old = book->first, *next; old; old = next) {
        next = old->next;
        free(old->memory);
        free(old);
    }
    for (struct looker *looker = atomic_load(&book->lookers), *next; looker; looker = next) {
        next = looker->next;
        free(looker);
    }
    pthread_key_delete(book->looker_of_thread);
    free(book);
}

/* ---- looking ---- */

static struct looker *own_looker(struct book *book) {
    struct looker *looker = pthread_getspecific(book->looker_of_thread);
    if (looker) return looker;
    looker = aligned_alloc(_Alignof(struct looker), sizeof *looker);
    if (!looker || pthread_setspecific(book->looker_of_thread, looker) != 0) abort();
    atomic_init(&looker->since, 0);
    looker->next = atomic_load(&book->lookers);
    while (!atomic_compare_exchange_weak(&book->lookers, &looker->next, looker)) {}
    return looker;
}

/* All in one order over all threads: whoever takes something out and then sees this thread not looking, or looking
 * since later, knows that it will not find the thing. */
void book_begin(struct book *book) {
    struct looker *looker = own_looker(book);
    atomic_store(&looker->since, atomic_load(&book->age));
}

void book_end(struct book *book) {
    atomic_store_explicit(&own_looker(book)->since, 0, memory_order_release);
}

static uint32_t hash_of(struct str key) {
    uint64_t hash = str_hash(key);
    return (uint32_t)(hash ^ hash >> 32);
}

static bool is_of(const struct book_entry *entry, uint32_t hash, struct str key) {
    return entry->hash == hash && str_eq(book_key(entry), key);
}

const struct book_entry *book_find(struct book *book, struct str key) {
    struct slots *slots = atomic_load(&book->slots);
    uint32_t hash = hash_of(key);
    for (size_t i = hash & slots->mask;; i = (i + 1) & slots->mask) {
        const struct book_entry *entry = atomic_load(&slots->at[i]);
        if (!entry) return NULL;
        if (entry != &taken_out && is_of(entry, hash, key)) return entry;
    }
}

/* ---- writing ---- */

/* The age that every thread which looks now has reached. */
static uint64_t oldest_look(struct book *book) {
    uint64_t oldest = UINT64_MAX;
    for (struct looker *looker = atomic_load(&book->lookers); looker; looker = looker->next) {
        uint64_t since = atomic_load(&looker->since);
        if (since && since < oldest) oldest = since;
    }
    return oldest;
}

void book_tidy(struct book *book) {
    book->since_tidy = 0;
    uint64_t oldest = oldest_look(book);
    while (book->first && book->first->age < oldest) {
        struct old *old = book->first;
        book->first = old->next;
        if (!book->first) book->end = &book->first;
        free(old->memory);
        free(old);
    }
}

/* MEMORY cannot be found from now on. */
static void retire(struct book *book, void *memory) {
    struct old *old = malloc(sizeof *old);
    if (!old) abort();
    *old = (struct old){.age = atomic_fetch_add(&book->age, 1), .memory = memory};
    *book->end = old;
    book->end = &old->next;
    if (++book->since_tidy >= TIDY_EVERY) book_tidy(book);
}

static void replace(struct book *book, _Atomic(struct book_entry *) *slot, struct book_entry *by) {
    struct book_entry *before = atomic_exchange(slot, by);
    retire(book, before);
}

/* The place of KEY, or of the first empty one after where it would be. */
static _Atomic(struct book_entry *) *place_of(struct slots *slots, uint32_t hash, struct str key) {
    size_t i = hash & slots->mask;
    for (;; i = (i + 1) & slots->mask) {
        struct book_entry *entry = atomic_load(&slots->at[i]);
        if (!entry || (entry != &taken_out && is_of(entry, hash, key))) return &slots->at[i];
    }
}

/* Puts all entries into other slots, twice as many as they need at most, and without traces of what was taken out. */
static void make_room(struct book *book) {
    struct slots *before = atomic_load(&book->slots);
    size_t n = SLOTS_FIRST;
    while (n < (book->count + 1) * 2) n *= 2;
    struct slots *slots = slots_create(n);
    for (size_t i = 0; i <= before->mask; i++) {
        struct book_entry *entry = atomic_load_explicit(&before->at[i], memory_order_relaxed);
        if (!entry || entry == &taken_out) continue;
        size_t to = entry->hash & slots->mask;
        while (atomic_load_explicit(&slots->at[to], memory_order_relaxed)) to = (to + 1) & slots->mask;
        atomic_store_explicit(&slots->at[to], entry, memory_order_relaxed);
        slots->n++;
    }
    atomic_store(&book->slots, slots);
    retire(book, before);
}

static struct book_entry *entry_create(uint32_t hash, struct str key, struct str value, uint8_t flags) {
    if (key.n > BOOK_TEXT_MAX || value.n > BOOK_TEXT_MAX) abort();
    struct book_entry *entry = malloc(sizeof *entry + key.n + value.n);
    if (!entry) abort();
    *entry = (struct book_entry){hash, (uint8_t)key.n, (uint8_t)value.n, flags};
    memcpy(entry->text, key.p, key.n);
    if (value.n) memcpy(entry->text + key.n, value.p, value.n);
    return entry;
}

void book_put(struct book *book, struct str key, struct str value, uint8_t flags) {
    uint32_t hash = hash_of(key);
    struct slots *slots = atomic_load(&book->slots);
    struct book_entry *entry = entry_create(hash, key, value, flags);
    _Atomic(struct book_entry *) *place = place_of(slots, hash, key);
    if (atomic_load(place)) {
        replace(book, place, entry);
        return;
    }
    /* Three quarters at most, so that there always is an empty one to stop at. */
    if ((slots->n + 1) * 4 > (slots->mask + 1) * 3) {
        make_room(book);
        slots = atomic_load(&book->slots);
        place = place_of(slots, hash, key);
    }
    slots->n++;
    book->count++;
    atomic_store(place, entry);
}

void book_remove(struct book *book, struct str key) {
    _Atomic(struct book_entry *) *place = place_of(atomic_load(&book->slots), hash_of(key), key);
    if (!atomic_load(place)) return;
    book->count--;
    replace(book, place, &taken_out);
}

void book_each(struct book *book, void (*each)(void *arg, const struct book_entry *entry), void *arg) {
    struct slots *slots = atomic_load(&book->slots);
    for (size_t i = 0; i <= slots->mask; i++) {
        const struct book_entry *entry = atomic_load(&slots->at[i]);
        if (entry && entry != &taken_out) each(arg, entry);
    }
}

size_t book_count(const struct book *book) {
    return book->count;
}
