#include "store/snapshot.h"

#include <sqlite3.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

enum { AGAIN_MS = 2, LOCK_WAIT_MS = 5000, URI_BYTES = 3 * 4096 };

struct source {
    sqlite3 *lock;   /* holds the file's write lock; NULL: not open */
    sqlite3 *reader; /* holds the snapshot */
};

static bool fail(sqlite3 *db, const char *path, struct error *reterr) {
    int code = sqlite3_errcode(db) & 0xff;
    if (code == SQLITE_FULL) return error_set(reterr, ERR_UNAVAILABLE, "no room left on the disk of %s", path);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return error_set(reterr, ERR_INTERNAL, "%s is damaged (%s): restore an older backup", path, sqlite3_errmsg(db));
    return error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, sqlite3_errmsg(db));
}

static bool run(sqlite3 *db, const char *path, const char *sql, struct error *reterr) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, path, reterr);
}

/* FLAGS: SQLITE_OPEN_*. A file that is missing is not made. */
static bool open_file(const char *path, int flags, sqlite3 **ret, struct error *reterr) {
    if (sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL) == SQLITE_OK)
        return true;
    error_set(reterr, ERR_UNAVAILABLE, "%s: %s", path, *ret ? sqlite3_errmsg(*ret) : "no memory left");
    sqlite3_close(*ret);
    *ret = NULL;
    return false;
}

/* -- the moment */

static bool open_sources(const struct snapshot_file *files, struct source *sources, size_t n, struct error *reterr) {
    for (size_t i = 0; i < n; i++) {
        if (!open_file(files[i].from, SQLITE_OPEN_READWRITE, &sources[i].reader, reterr)) return false;
        /* The schema is read now, and not while others are locked out. Fails when somebody locks: then it is later. */
        sqlite3_exec(sources[i].reader, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
        if (i && !open_file(files[i].from, SQLITE_OPEN_READWRITE, &sources[i].lock, reterr)) return false;
    }
    return true;
}

static void close_sources(struct source *sources, size_t n) {
    for (size_t i = 0; i < n; i++) {
        sqlite3_close(sources[i].lock);
        sqlite3_close(sources[i].reader);
    }
}

static void let_go(sqlite3 *db) {
    if (db && !sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

/* A snapshot begins with the first look, not with BEGIN. */
static bool look(sqlite3 *reader, const char *path, struct error *reterr) {
    return run(reader, path, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", reterr);
}

/* All write locks but the leading file's, then all snapshots. Whoever holds one of the locks may wait for another of
 * them, so none is waited for here: false, with *ret_busy, and everything is given back. */
static bool try_moment(const struct snapshot_file *files, struct source *sources, size_t n, bool *ret_busy,
                       struct error *reterr) {
    bool ok = true;
    const char *path = NULL;
    sqlite3 *last = NULL;
    for (size_t i = 1; i < n && ok; i++) {
        last = sources[i].lock, path = files[i].from;
        ok = run(last, path, "BEGIN IMMEDIATE", reterr);
    }
    for (size_t i = 0; i < n && ok; i++) {
        last = sources[i].reader, path = files[i].from;
        ok = look(last, path, reterr);
    }
    *ret_busy = !ok && (sqlite3_errcode(last) & 0xff) == SQLITE_BUSY;
    for (size_t i = 1; i < n; i++) let_go(sources[i].lock);
    for (size_t i = 0; i < n && !ok; i++) let_go(sources[i].reader);
    if (*ret_busy)
        error_set(reterr, ERR_UNAVAILABLE, "%s stays locked by another program; find and end it (`fuser`)", path);
    return ok;
}

static bool take_moment(const struct snapshot_file *files, struct source *sources, size_t n, int64_t wait_ms,
                        struct error *reterr) {
    int64_t deadline = clock_steady_ms() + wait_ms;
    for (bool busy;;) {
        if (try_moment(files, sources, n, &busy, reterr)) return true;
        if (!busy || clock_steady_ms() >= deadline) return false;
        nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}, NULL);
    }
}

/* -- the copies */

/* In one go: the snapshot stands still anyway, and the fewer pages of its log are kept from being used again. */
static bool copy_pages(sqlite3 *from, sqlite3 *to, const char *to_path, struct error *reterr) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup) return fail(to, to_path, reterr);
    sqlite3_backup_step(backup, -1);
    return sqlite3_backup_finish(backup) == SQLITE_OK || fail(to, to_path, reterr);
}

/* The copy is synced as a whole, and worth nothing before: it needs no journal. */
static bool copy_file(sqlite3 *from, const char *to_path, struct error *reterr) {
    sqlite3 *to = NULL;
    if (!open_file(to_path, SQLITE_OPEN_READWRITE, &to, reterr)) return false;
    bool ok = run(to, to_path, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE",
                  reterr) &&
              copy_pages(from, to, to_path, reterr);
    sqlite3_close(to);
    return ok;
}

bool snapshot_take(const struct snapshot_file *files, size_t n, int64_t wait_ms, struct error *reterr) {
    struct source sources[SNAPSHOT_FILES_MAX] = {0};
    bool ok = open_sources(files, sources, n, reterr) && take_moment(files, sources, n, wait_ms, reterr);
    /* The leading file last: it is the largest, and its writers do not wait. */
    for (size_t i = n; i-- > 0 && ok;) {
        ok = copy_file(sources[i].reader, files[i].to, reterr);
        let_go(sources[i].reader);
    }
    close_sources(sources, n);
    return ok;
}

/* -- looking into a file */

/* "immutable": the header of a copy says that there is a log, which must neither be looked for nor made. */
static bool open_copy(const char *path, sqlite3 **ret, struct error *reterr) {
    static const char hex[] = "0123456789ABCDEF";
    char uri[URI_BYTES];
    size_t n = (size_t)snprintf(uri, sizeof uri, "file:");
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
        if (n + 24 > sizeof uri) return error_set(reterr, ERR_INVALID, "%.60s...: the path is too long", path);
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '-' && *p <= '9') || *p == '_';
        if (plain)
            uri[n++] = (char)*p;
        else
            uri[n++] = '%', uri[n++] = hex[*p >> 4], uri[n++] = hex[*p & 15];
    }
    snprintf(uri + n, sizeof uri - n, "?immutable=1");
    return open_file(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, ret, reterr) ||
           error_set(reterr, ERR_UNAVAILABLE, "%s cannot be opened: is it there, and may you read it?", path);
}

bool snapshot_ask(const char *path, bool is_live, const char *sql, struct arena *arena, struct str *ret,
                  struct error *reterr) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    if (!(is_live ? open_file(path, SQLITE_OPEN_READWRITE, &db, reterr) : open_copy(path, &db, reterr))) return false;
    sqlite3_busy_timeout(db, LOCK_WAIT_MS);
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(stmt);
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE;
    *ret = STR("");
    if (code == SQLITE_ROW) {
        const char *p = sqlite3_column_blob(stmt, 0);
        int n = sqlite3_column_bytes(stmt, 0);
        if (p && n > 0) *ret = arena_str(arena, (struct str){p, (size_t)n});
    } else if (!ok) {
        fail(db, path, reterr);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return ok;
}

bool snapshot_check(const char *path, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct str words;
    if (!snapshot_ask(path, false, "PRAGMA integrity_check(1)", arena, &words, reterr)) return false;
    return str_is(words, "ok") || error_set(reterr, ERR_INTERNAL, "%s is damaged: %.*s", path, STR_ARG(words));
}
