#define _GNU_SOURCE /* CLOCK_MONOTONIC_COARSE */
#include "store/sqlite/readers.h"

#include <stdlib.h>
#include <time.h>

#include "store/engine.h"
#include "store/sqlite/connection.h"

enum { SNAPSHOT_MS = 1000, LOCK_WAIT_MS = 2000 };

struct reader {
    struct reader *next;
    const void *owner;
    /* Held while its thread reads and while someone else ends its snapshot: nearly always free. */
    pthread_mutex_t mutex;
    struct db *db;
    /* Asks the reader to end its snapshot itself, as someone else could not get at it. */
    _Atomic bool leave;
    bool has_snapshot;
    uint64_t generation; /* of the snapshot */
    int64_t began_ms;
};

/* Which reader this thread used last. Its address also names the thread: a later thread that gets the same address
 * takes over the readers of the one that ended. */
static _Thread_local struct {
    uint64_t serial;
    struct reader *reader;
} mine;

static int64_t monotonic_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void readers_init(struct readers *readers, const char *path, const struct generation *generation) {
    static _Atomic uint64_t serials;
    *readers = (struct readers){.path = path, .generation = generation, .serial = atomic_fetch_add(&serials, 1) + 1};
    pthread_mutex_init(&readers->mutex, NULL);
}

void readers_finish(struct readers *readers) {
    for (struct reader *r = readers->first, *next; r; r = next) {
        next = r->next;
        db_close(r->db);
        pthread_mutex_destroy(&r->mutex);
        free(r);
    }
    readers->first = NULL;
    pthread_mutex_destroy(&readers->mutex);
}

static void end_snapshot(struct reader *reader) {
    struct error ignored;
    reader->has_snapshot = false;
    atomic_store(&reader->leave, false);
    db_rest(reader->db);
    /* Failing to end a read loses nothing; the next BEGIN tells if the connection is past help. */
    if (db_in_transaction(reader->db) && !stmt_run(db_stmt(reader->db, "ROLLBACK"), NULL, &ignored)) return;
}

static bool begin_snapshot(struct reader *reader, const struct generation *generation, struct error *reterr) {
    /* The generation first: the snapshot, taken at the first row read, is then at least as new. */
    uint64_t now_generation = generation_get(generation);
    int64_t now = monotonic_ms();
    if (reader->has_snapshot && reader->generation == now_generation && now - reader->began_ms < SNAPSHOT_MS &&
        !atomic_load(&reader->leave))
        return true;
    end_snapshot(reader);
    if (!stmt_run(db_stmt(reader->db, "BEGIN"), NULL, reterr)) return false;
    reader->has_snapshot = true;
    reader->generation = now_generation;
    reader->began_ms = now;
    return true;
}

static struct reader *reader_create(struct readers *readers, struct error *reterr) {
    const struct connect connect = {.path = readers->path, .read_only = true, .lock_wait_ms = LOCK_WAIT_MS};
    struct reader *reader = store_alloc(1, sizeof *reader);
    if (!db_open(&connect, &reader->db, reterr)) {
        free(reader);
        return NULL;
    }
    reader->owner = &mine;
    pthread_mutex_init(&reader->mutex, NULL);
    pthread_mutex_lock(&readers->mutex);
    reader->next = readers->first;
    readers->first = reader;
    pthread_mutex_unlock(&readers->mutex);
    return reader;
}

/* This thread's reader; NULL with reterr when its connection cannot be opened. */
static struct reader *reader_get(struct readers *readers, struct error *reterr) {
    if (mine.serial == readers->serial) return mine.reader;
    pthread_mutex_lock(&readers->mutex);
    struct reader *reader = readers->first;
    while (reader && reader->owner != &mine) reader = reader->next;
    pthread_mutex_unlock(&readers->mutex);
    if (!reader) reader = reader_create(readers, reterr);
    if (!reader) return NULL;
    mine.serial = readers->serial;
    mine.reader = reader;
    return reader;
}

bool readers_read(struct readers *readers, store_fn *read, void *arg, struct error *reterr) {
    struct reader *reader = reader_get(readers, reterr);
    if (!reader) return false;
    pthread_mutex_lock(&reader->mutex);
    bool ok = begin_snapshot(reader, readers->generation, reterr) && read(reader->db, arg, reterr);
    db_rest(reader->db);
    /* After a failing disk the next read starts afresh; "not found" and the like are answers. */
    bool failed = !ok && (reterr->code == ERR_UNAVAILABLE || reterr->code == ERR_INTERNAL);
    if (failed || atomic_load(&reader->leave)) end_snapshot(reader);
    pthread_mutex_unlock(&reader->mutex);
    return ok;
}

/* Whether all have ended the snapshots that they had. */
static bool try_rest(struct readers *readers, bool ask) {
    bool all = true;
    pthread_mutex_lock(&readers->mutex);
    for (struct reader *r = readers->first; r; r = r->next) {
        if (ask) atomic_store(&r->leave, true);
        if (!atomic_load(&r->leave)) continue;
        if (pthread_mutex_trylock(&r->mutex)) {
            all = false;
            continue;
        }
        end_snapshot(r);
        pthread_mutex_unlock(&r->mutex);
    }
    pthread_mutex_unlock(&readers->mutex);
    return all;
}

bool readers_rest(struct readers *readers, int wait_ms) {
    int64_t until = wait_ms ? monotonic_ms() + wait_ms : 0;
    bool all = try_rest(readers, true);
    while (!all && wait_ms && monotonic_ms() < until) {
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
        all = try_rest(readers, false);
    }
    return all;
}

void readers_shrink(struct readers *readers) {
    pthread_mutex_lock(&readers->mutex);
    for (struct reader *r = readers->first; r; r = r->next) {
        if (pthread_mutex_trylock(&r->mutex)) continue;
        db_shrink(r->db);
        pthread_mutex_unlock(&r->mutex);
    }
    pthread_mutex_unlock(&readers->mutex);
}
