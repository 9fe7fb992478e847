#include "edge/names.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "edge/book.h"
#include "store/edge_names.h"
#include "store/forwarding.h"

enum {
    CHANGES_AT_ONCE = 500, /* that a visitor may have to wait for: a millisecond or two */
    /* The flags of an entry. */
    STEALTH = 1 << 0,
    ROUND = 1 << 1, /* of the last reading of all names that saw it, or a change since */
    PROVIDER_SHIFT = 2,
};

struct names {
    struct store *store;
    struct book *book;
    _Atomic uint64_t generation; /* of the store, up to which all changes were looked at */
    pthread_mutex_t writing;
    /* Of whoever is writing: */
    int64_t version;   /* of the newest change that is in the book */
    bool is_behind;    /* something is left to names_tidy */
    bool is_forgotten; /* and changes are not kept that far back */
    uint8_t round;     /* ROUND or 0 */
};

static void put(void *arg, const struct edge_name *name) {
    struct names *names = arg;
    if (!name->is_served) {
        book_remove(names->book, name->name);
        return;
    }
    bool is_stealth = name->target.n && name->mode == FORWARDING_STEALTH;
    book_put(names->book, name->name, name->target,
             (uint8_t)((is_stealth ? STEALTH : 0) | (unsigned)name->mail_provider << PROVIDER_SHIFT | names->round));
}

/* ---- all of them ---- */

static bool read_all(struct db *db, void *arg, struct error *reterr) {
    struct names *names = arg;
    return edge_names_version(db, &names->version, reterr) && edge_names_all(db, put, names, reterr);
}

static void drop_unseen(void *arg, const struct book_entry *entry) {
    struct names *names = arg;
    if ((entry->flags & ROUND) != names->round) book_remove(names->book, book_key(entry));
}

static bool reload(struct names *names, struct error *reterr) {
    uint64_t generation = store_generation(names->store, STORE_ANYTHING);
    names->round ^= ROUND;
    /* When it fails, names_tidy does all of it again. */
    names->is_behind = names->is_forgotten = true;
    if (!store_read(names->store, read_all, names, reterr)) return false;
    book_each(names->book, drop_unseen, names);
    names->is_behind = names->is_forgotten = false;
    atomic_store(&names->generation, generation);
    return true;
}

bool names_create(struct store *store, struct names **ret, struct error *reterr) {
    struct names *names = calloc(1, sizeof *names);
    if (!names) abort();
    names->store = store;
    names->book = book_create();
    atomic_init(&names->generation, 0);
    pthread_mutex_init(&names->writing, NULL);
    if (!reload(names, reterr)) {
        names_destroy(names);
        return false;
    }
    *ret = names;
    return true;
}

void names_destroy(struct names *names) {
    if (!names) return;
    book_destroy(names->book);
    pthread_mutex_destroy(&names->writing);
    free(names);
}

/* ---- what changed ---- */

struct changes {
    struct names *names;
    size_t most;
    int64_t version;
    bool has_more, is_known;
};

static bool read_changes(struct db *db, void *arg, struct error *reterr) {
    struct changes *changes = arg;
    return edge_names_changed(db, changes->names->version, changes->most, put, changes->names, &changes->version,
                              &changes->has_more, &changes->is_known, reterr);
}

static bool follow(struct names *names, size_t most, struct error *reterr) {
    uint64_t generation = store_generation(names->store, STORE_ANYTHING);
    struct changes changes = {.names = names, .most = most};
    bool ok = store_read(names->store, read_changes, &changes, reterr);
    if (ok && changes.is_known) names->version = changes.version;
    names->is_forgotten = ok && !changes.is_known;
    names->is_behind = !ok || !changes.is_known || changes.has_more;
    atomic_store(&names->generation, generation);
    return ok;
}

void names_begin(struct names *names) {
    bool is_current = atomic_load_explicit(&names->generation, memory_order_acquire) ==
                      store_generation(names->store, STORE_ANYTHING);
    /* A visitor waits for a file of this machine, and not for a network: that is names_tidy's alone. */
    if (!is_current && !store_is_shared(names->store) && pthread_mutex_trylock(&names->writing) == 0) {
        struct error error;
        /* What cannot be read now is names_tidy's, who also says so. */
        if (!names->is_behind && !follow(names, CHANGES_AT_ONCE, &error)) names->is_behind = true;
        pthread_mutex_unlock(&names->writing);
    }
    book_begin(names->book);
}

void names_end(struct names *names) {
    book_end(names->book);
}

bool names_tidy(struct names *names, struct error *reterr) {
    bool ok = true;
    pthread_mutex_lock(&names->writing);
    bool is_current =
        !names->is_behind && atomic_load(&names->generation) == store_generation(names->store, STORE_ANYTHING);
    while (ok && !is_current) {
        ok = names->is_forgotten ? reload(names, reterr) : follow(names, CHANGES_AT_ONCE, reterr);
        is_current = !names->is_behind;
    }
    book_tidy(names->book);
    pthread_mutex_unlock(&names->writing);
    return ok;
}

size_t names_count(struct names *names) {
    pthread_mutex_lock(&names->writing);
    size_t n = book_count(names->book);
    pthread_mutex_unlock(&names->writing);
    return n;
}

/* ---- looking ---- */

bool names_find(struct names *names, struct str domain, struct served *ret) {
    const struct book_entry *entry = book_find(names->book, domain);
    if (!entry) return false;
    *ret = (struct served){
        .domain = book_key(entry),
        .target = book_value(entry),
        .mode = entry->flags & STEALTH ? FORWARDING_STEALTH : FORWARDING_REDIRECT,
        .mail_provider = (enum provider)(entry->flags >> PROVIDER_SHIFT),
    };
    return true;
}

bool names_find_site(struct names *names, struct str host, struct served *ret) {
    if (names_find(names, host, ret) && ret->target.n) return true;
    if (!str_starts(host, "www.")) return false;
    return names_find(names, (struct str){host.p + 4, host.n - 4}, ret) && ret->target.n;
}

bool names_is_loop(struct names *names, struct str domain, struct str target) {
    for (int hops = 0; hops < FORWARDING_HOPS_MAX; hops++) {
        struct served next;
        if (str_eq(target, domain) || !names_find_site(names, target, &next)) return str_eq(target, domain);
        if (str_eq(next.domain, domain)) return true;
        target = next.target;
    }
    return true;
}
