#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/migrate.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/readers.h"

enum {
    GROUP_MAX = 128,         /* changes in one commit */
    CHECKPOINT_PAGES = 2000, /* of 4 KiB: the log is written back about every 8 MiB */
    CHECKPOINT_MORE = 500,   /* and tried again after this many when someone held it */
    REST_MS = 10,            /* how long the writer waits for reads under way before it writes the log back */
    LOCK_WAIT_MS = 5000,     /* for another process's commit */
    QUIET_TIDIES = 2,        /* store_tidy without a change between: the burst is over */
};

/* One waiting store_write; lies on its caller's stack. */
struct change {
    struct change *next;
    store_fn *fn;
    void *arg;
    struct error *reterr;
    bool ok;
    sem_t done;
};

struct writer {
    struct store base;
    bool single, own_world; /* own_world: another VFS, nobody else opens the files */
    char path[PATH_MAX];
    struct stat file; /* which one it is that is open */
    struct generation generation;
    struct db *db; /* the writer's; with `single` everyone's */
    int cut_at;    /* pages in the log at which it is written back next; the writer's */

    /* The rest is unused with `single`, but for data_version. */
    struct readers readers;
    pthread_t writer;
    bool writer_runs;
    pthread_mutex_t mutex; /* of the queue */
    pthread_cond_t some;
    struct change *first, **last;
    bool closing;
    bool shrink; /* the writer is to free its pages */

    pthread_mutex_t watch_mutex;
    struct db *watch; /* sees whether programs other than dfyd commit */
    int64_t data_version;
    uint64_t tidied; /* the generation at the last store_tidy */
    int quiet;       /* how many of them saw the same one */
};

static struct writer *of(struct store *store) {
    return (struct writer *)store;
}

static void roll_back(struct db *db) {
    struct error ignored;
    db_rest(db);
    /* A failing ROLLBACK leaves a transaction that the next group's begin rolls back again. */
    if (db_in_transaction(db) && !stmt_run(db_stmt(db, "ROLLBACK"), NULL, &ignored)) return;
}

/* Runs one change. False: the transaction itself is lost; on some failures of the disk SQLite rolls back everything by
 * itself. */
static bool run_change(struct db *db, struct change *change, struct error *reterr) {
    *change->reterr = (struct error){ERR_NONE, ""};
    change->ok = change->fn(db, change->arg, change->reterr);
    db_rest(db);
    if (db_in_transaction(db)) return true;
    *reterr = *change->reterr;
    return false;
}

/* In a savepoint, so that it can fail alone. */
static bool run_guarded(struct db *db, struct change *change, struct error *reterr) {
    if (!stmt_run(db_stmt(db, "SAVEPOINT change"), NULL, reterr) || !run_change(db, change, reterr)) return false;
    if (!change->ok && !stmt_run(db_stmt(db, "ROLLBACK TO change"), NULL, reterr)) return false;
    return stmt_run(db_stmt(db, "RELEASE change"), NULL, reterr);
}

/* Whether the open file is still the one that the next start will find: what goes into another is lost by then. */
static bool is_in_place(const struct writer *store, struct error *reterr) {
    struct stat now;
    if (store->own_world) return true;
    if (stat(store->path, &now) == 0 && now.st_ino == store->file.st_ino && now.st_dev == store->file.st_dev)
        return true;
    return error_set(reterr, ERR_UNAVAILABLE, "%s was removed or replaced: stop dfyd, restore it, start dfyd again",
                     store->path);
}

static bool begin(struct db *db, struct error *reterr) {
    if (db_in_transaction(db)) roll_back(db);
    return stmt_run(db_stmt(db, "BEGIN IMMEDIATE"), NULL, reterr);
}

/* All changes, or none when one fails: *ret_failed. A savepoint each would copy every page that they touch. */
static bool run_together(struct db *db, struct change *const *group, size_t n, bool *ret_failed, struct error *reterr) {
    *ret_failed = false;
    if (!begin(db, reterr)) return false;
    for (size_t i = 0; i < n; i++) {
        if (!run_change(db, group[i], reterr)) return false;
        *ret_failed = !group[i]->ok;
        if (*ret_failed) break;
    }
    if (!*ret_failed) return stmt_run(db_stmt(db, "COMMIT"), NULL, reterr);
    roll_back(db);
    return true;
}

/* All changes but those that fail. */
static bool run_each(struct db *db, struct change *const *group, size_t n, struct error *reterr) {
    if (!begin(db, reterr)) return false;
    for (size_t i = 0; i < n; i++)
        if (!run_guarded(db, group[i], reterr)) return false;
    return stmt_run(db_stmt(db, "COMMIT"), NULL, reterr);
}

/* Most groups have no change that fails; one that has is repeated. */
static bool run_group(struct db *db, struct change *const *group, size_t n, struct error *reterr) {
    bool failed;
    if (!run_together(db, group, n, &failed, reterr)) return false;
    return !failed || n == 1 || run_each(db, group, n, reterr);
}

/* Makes a group of changes durable, or none of them. */
static void commit_group(struct writer *store, struct change *const *group, size_t n) {
    int64_t before = db_total_changes(store->db);
    struct error cause = {ERR_NONE, ""};
    if (is_in_place(store, &cause) && run_group(store->db, group, n, &cause)) {
        if (db_total_changes(store->db) != before) generation_bump(&store->generation);
        return;
    }
    roll_back(store->db);
    for (size_t i = 0; i < n; i++) {
        group[i]->ok = false;
        error_set(group[i]->reterr, ERR_UNAVAILABLE, "nothing was saved: %s",
                  cause.message[0] ? cause.message : "the database gave up the transaction");
    }
}

/*
 * Writes the log back when it is long. A snapshot keeps the log from starting over at its beginning, and under load
 * there is always one: so they are ended before, to write back everything, and after, as snapshots taken from a log
 * that is fully written back do not hold it.
 */
static void cut_log(struct writer *store) {
    int pages = db_log_pages(store->db);
    if (pages < CHECKPOINT_PAGES) store->cut_at = CHECKPOINT_PAGES;
    if (pages < store->cut_at) return;
    store->cut_at = pages + CHECKPOINT_MORE;
    if (!readers_rest(&store->readers, REST_MS)) return;
    db_checkpoint(store->db);
    readers_rest(&store->readers, REST_MS);
}

/* Takes what waits, at most GROUP_MAX; 0 when the store closes and nothing is left. */
static size_t take_group(struct writer *store, struct change *group[GROUP_MAX]) {
    size_t n = 0;
    pthread_mutex_lock(&store->mutex);
    while (!store->first && !store->closing) {
        if (store->shrink) {
            store->shrink = false;
            pthread_mutex_unlock(&store->mutex);
            db_shrink(store->db);
            pthread_mutex_lock(&store->mutex);
        } else {
            pthread_cond_wait(&store->some, &store->mutex);
        }
    }
    while (store->first && n < GROUP_MAX) {
        group[n++] = store->first;
        store->first = store->first->next;
    }
    if (!store->first) store->last = &store->first;
    pthread_mutex_unlock(&store->mutex);
    return n;
}

static void *write_all(void *arg) {
    struct writer *store = arg;
    struct change *group[GROUP_MAX];
    size_t n;
    while ((n = take_group(store, group)) > 0) {
        commit_group(store, group, n);
        for (size_t i = 0; i < n; i++) sem_post(&group[i]->done);
        cut_log(store);
    }
    return NULL;
}

/* Makes the folder and an empty database file that only its owner can read. */
static bool make_files(const char *dir, const char *path, struct error *reterr) {
    if (mkdir(dir, 0700) && errno != EEXIST)
        return error_set(reterr, ERR_UNAVAILABLE, "cannot make the folder %s: %s", dir, strerror(errno));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
    close(fd);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok) error_set(reterr, ERR_UNAVAILABLE, "%s: %s", dir, strerror(errno));
    if (fd >= 0) close(fd);
    return ok;
}

static bool start_threads(struct writer *store, struct error *reterr) {
    const struct connect connect = {.path = store->path, .read_only = true, .lock_wait_ms = LOCK_WAIT_MS};
    if (!db_open(&connect, &store->watch, reterr)) return false;
    if (!db_data_version(store->watch, &store->data_version, reterr)) return false;
    db_checkpoint_by_hand(store->db);
    int code = pthread_create(&store->writer, NULL, write_all, store);
    if (code) return error_set(reterr, ERR_UNAVAILABLE, "cannot start a thread: %s", strerror(code));
    store->writer_runs = true;
    return true;
}

static bool open_all(struct writer *store, const struct store_config *config, struct error *reterr) {
    if (snprintf(store->path, sizeof store->path, "%s/dfyd.db", config->dir) >= (int)sizeof store->path)
        return error_set(reterr, ERR_INVALID, "the path of the data folder is too long");
    if (!store->own_world && !make_files(config->dir, store->path, reterr)) return false;
    if (!generation_open(&store->generation, store->own_world ? NULL : config->dir, reterr)) return false;
    const struct connect connect = {
        .path = store->path, .vfs = config->vfs, .exclusive = store->own_world, .lock_wait_ms = LOCK_WAIT_MS};
    if (!db_open(&connect, &store->db, reterr)) return false;
    if (!store->own_world && stat(store->path, &store->file))
        return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", store->path, strerror(errno));
    if (!migrate_run(store->db, reterr)) return false;
    if (store->single) return db_data_version(store->db, &store->data_version, reterr);
    return start_threads(store, reterr);
}

static void close_all(struct store *base) {
    struct writer *store = of(base);
    if (store->writer_runs) {
        pthread_mutex_lock(&store->mutex);
        store->closing = true;
        pthread_cond_signal(&store->some);
        pthread_mutex_unlock(&store->mutex);
        pthread_join(store->writer, NULL);
    }
    readers_finish(&store->readers);
    db_close(store->watch);
    db_close(store->db); /* last: the writer's connection writes the log back */
    generation_close(&store->generation);
    pthread_cond_destroy(&store->some);
    pthread_mutex_destroy(&store->watch_mutex);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

static bool write_change(struct store *base, enum store_scope scope, struct str workspace_id, store_fn *fn, void *arg,
                         struct error *reterr) {
    (void)scope, (void)workspace_id; /* one after another anyway */
    struct writer *store = of(base);
    struct change change = {.fn = fn, .arg = arg, .reterr = reterr};
    if (store->single) {
        commit_group(store, (struct change *const[]){&change}, 1);
        return change.ok;
    }
    sem_init(&change.done, 0, 0);
    pthread_mutex_lock(&store->mutex);
    bool was_empty = !store->first;
    *store->last = &change;
    /* This function returns only after the writer has taken the change off the queue. */
    /* cppcheck-suppress autoVariables */
    store->last = &change.next;
    pthread_mutex_unlock(&store->mutex);
    if (was_empty) pthread_cond_signal(&store->some);
    while (sem_wait(&change.done) && errno == EINTR)
        ;
    sem_destroy(&change.done);
    return change.ok;
}

static bool read_snapshot(struct store *base, store_fn *fn, void *arg, struct error *reterr) {
    struct writer *store = of(base);
    if (!store->single) return readers_read(&store->readers, fn, arg, reterr);
    if (db_in_transaction(store->db)) roll_back(store->db);
    if (!stmt_run(db_stmt(store->db, "BEGIN"), NULL, reterr)) return false;
    bool ok = fn(store->db, arg, reterr);
    roll_back(store->db);
    return ok;
}

static bool tally(struct store *store, int64_t wait_ms, store_fn *fn, void *arg, struct error *reterr) {
    (void)wait_ms;
    return write_change(store, SCOPE_CLAIM, STR(""), fn, arg, reterr);
}

static uint64_t get_generation(struct store *store, enum store_topic topic) {
    (void)topic;
    return generation_get(&of(store)->generation);
}

static void on_news(struct store *store, void (*fn)(void *arg), void *arg) {
    (void)store, (void)fn, (void)arg; /* no other nodes */
}

/* Counts the generation up when anyone committed since the last look: our own commits too, which does no harm, as the
 * two cannot be told apart. It also makes up for a dfyd that was killed between its commit and its count. */
static void watch_others(struct writer *store) {
    struct db *db = store->single ? store->db : store->watch;
    int64_t version;
    struct error ignored;
    if (store->own_world) return;
    pthread_mutex_lock(&store->watch_mutex);
    /* When the disk cannot be read, the readers will tell. */
    if (db_data_version(db, &version, &ignored) && version != store->data_version) {
        store->data_version = version;
        generation_bump(&store->generation);
    }
    pthread_mutex_unlock(&store->watch_mutex);
}

/* Whether a burst of changes has just ended. */
static bool became_quiet(struct writer *store) {
    uint64_t generation = generation_get(&store->generation);
    pthread_mutex_lock(&store->watch_mutex);
    if (generation != store->tidied)
        store->quiet = 0;
    else if (store->quiet <= QUIET_TIDIES)
        store->quiet++;
    store->tidied = generation;
    bool became = store->quiet == QUIET_TIDIES;
    pthread_mutex_unlock(&store->watch_mutex);
    return became;
}

/* The pages that a burst leaves behind are half of the process. */
static void free_pages(struct writer *store) {
    readers_shrink(&store->readers);
    pthread_mutex_lock(&store->mutex);
    store->shrink = true;
    pthread_cond_signal(&store->some);
    pthread_mutex_unlock(&store->mutex);
}

static void tidy(struct store *base) {
    struct writer *store = of(base);
    watch_others(store);
    if (store->single) return;
    readers_rest(&store->readers, 0);
    if (became_quiet(store)) free_pages(store);
}

static const struct store_ops ops = {
    .close = close_all,
    .write = write_change,
    .read = read_snapshot,
    .tally = tally,
    .generation = get_generation,
    .on_news = on_news,
    .tidy = tidy,
};

bool store_open_sqlite(const struct store_config *config, struct store **ret, struct error *reterr) {
    struct writer *store = store_alloc(1, sizeof *store);
    store->base.ops = &ops;
    store->single = config->single || config->vfs;
    store->own_world = config->vfs != NULL;
    store->last = &store->first;
    store->cut_at = CHECKPOINT_PAGES;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_mutex_init(&store->watch_mutex, NULL);
    pthread_cond_init(&store->some, NULL);
    readers_init(&store->readers, store->path, &store->generation);
    if (!open_all(store, config, reterr)) {
        close_all(&store->base);
        return false;
    }
    *ret = &store->base;
    return true;
}
