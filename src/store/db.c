#include "store/db.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/connect.h"
#include "store/list.h"

enum { PARAMETERS_MAX = 24, SLOTS_MIN = 128 };

struct stmt {
    const char *sql;
    sqlite3_stmt *handle; /* NULL: could not be prepared, failure says why */
    struct db *db;
    struct error failure;
    bool running;
    struct list list;                        /* of stmt_list; a statement has one at most */
    unsigned char index[PARAMETERS_MAX + 1]; /* SQLite's number of parameter $n; 0: the statement has no $n */
};

struct db {
    sqlite3 *handle;
    struct stmt **slots; /* open addressing by the address of the SQL text */
    size_t n_slots, n_statements;
    size_t running; /* statements between their first and last row */
    int log_pages;
    int lock_wait_ms;
};

static _Noreturn void die(const char *what, const char *detail) {
    fprintf(stderr, "dfyd: %s: %s\n", what, detail);
    abort();
}

static void *allocate(size_t count, size_t size) {
    void *p = calloc(count, size);
    if (!p) die("store", "out of memory");
    return p;
}

/* The last failure of DB as an error. */
static bool fail(struct db *db, struct error *reterr) {
    int code = sqlite3_extended_errcode(db->handle);
    const char *words = sqlite3_errmsg(db->handle);
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
        return error_set(reterr, ERR_CONFLICT, "already exists (%s)", words);
    switch (code & 0xff) {
    case SQLITE_FULL:
        return error_set(reterr, ERR_UNAVAILABLE, "the disk that holds the database is full");
    case SQLITE_READONLY:
        return error_set(reterr, ERR_UNAVAILABLE,
                         "the database is read-only: check the owner and the mode of its files");
    case SQLITE_IOERR:
        return error_set(reterr, ERR_UNAVAILABLE, "the disk that holds the database fails (%s, code %d)", words, code);
    case SQLITE_CANTOPEN:
        return error_set(reterr, ERR_UNAVAILABLE,
                         "the database cannot be opened: check the owner and the mode of its "
                         "folder");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(reterr, ERR_UNAVAILABLE, "the database is locked by another process");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(reterr, ERR_INTERNAL, "the database is damaged (%s): restore a backup", words);
    default:
        return error_set(reterr, ERR_INTERNAL, "database: %s (code %d)", words, code);
    }
}

static int note_log_pages(void *arg, sqlite3 *handle, const char *name, int pages) {
    (void)handle, (void)name;
    struct db *db = arg;
    db->log_pages = pages;
    return SQLITE_OK;
}

/*
 * Looks every millisecond. SQLite's own handler looks every 100 ms in the end, and a server under load leaves the lock
 * for much shorter than that: a command beside it would hardly ever get in.
 */
static int wait_for_lock(void *arg, int times) {
    const struct db *db = arg;
    if (times >= db->lock_wait_ms) return 0;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return 1;
}

static bool set_up(struct db *db, const struct connect *connect, struct error *reterr) {
    sqlite3_extended_result_codes(db->handle, 1);
    db->lock_wait_ms = connect->lock_wait_ms;
    sqlite3_busy_handler(db->handle, wait_for_lock, db);
    if (list_register(db->handle) != SQLITE_OK) return fail(db, reterr);
    /* Exclusive locking has to come before WAL: it is what makes WAL do without shared memory. */
    if (connect->exclusive && !db_exec(db, "PRAGMA locking_mode = EXCLUSIVE", reterr)) return false;
    struct stmt *mode = db_stmt(db, "PRAGMA journal_mode = WAL");
    if (stmt_step(mode, reterr) != DB_ROW) return false;
    bool is_wal = str_is(stmt_col_text(mode, 0), "wal");
    stmt_done(mode);
    if (!is_wal) return error_set(reterr, ERR_UNAVAILABLE, "%s: the file system cannot hold a log", connect->path);
    /* Savepoints keep their undo pages in memory instead of a file. */
    if (!db_exec(db,
                 "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"
                 "PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 67108864",
                 reterr))
        return false;
    /* The writer keeps more pages: it meets the same index pages in every group. Taken as needed. */
    return db_exec(db, connect->read_only ? "PRAGMA query_only = ON" : "PRAGMA cache_size = -8192", reterr);
}

/* SQLite's count of its memory is read by nobody and costs a lock at every allocation. */
static void leave_memory_uncounted(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

bool db_open(const struct connect *connect, struct db **ret, struct error *reterr) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, leave_memory_uncounted);
    struct db *db = allocate(1, sizeof *db);
    db->n_slots = SLOTS_MIN;
    db->slots = allocate(db->n_slots, sizeof(struct stmt *));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (!connect->read_only) flags |= SQLITE_OPEN_CREATE;
    bool ok = sqlite3_open_v2(connect->path, &db->handle, flags, connect->vfs) == SQLITE_OK;
    if (!db->handle) die("store", "out of memory");
    if (!ok) fail(db, reterr);
    if (!ok || !set_up(db, connect, reterr)) {
        db_close(db);
        return false;
    }
    *ret = db;
    return true;
}

void db_close(struct db *db) {
    if (!db) return;
    for (size_t i = 0; i < db->n_slots; i++) {
        if (!db->slots[i]) continue;
        sqlite3_finalize(db->slots[i]->handle);
        free(db->slots[i]);
    }
    free(db->slots);
    sqlite3_close(db->handle);
    free(db);
}

bool db_exec(struct db *db, const char *sql, struct error *reterr) {
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, reterr);
}

void db_rest(struct db *db) {
    for (size_t i = 0; db->running && i < db->n_slots; i++)
        if (db->slots[i]) stmt_done(db->slots[i]);
}

bool db_in_transaction(struct db *db) {
    return !sqlite3_get_autocommit(db->handle);
}

int64_t db_total_changes(struct db *db) {
    return sqlite3_total_changes64(db->handle);
}

int db_log_pages(struct db *db) {
    return db->log_pages;
}

void db_checkpoint_by_hand(struct db *db) {
    sqlite3_wal_hook(db->handle, note_log_pages, db);
}

void db_checkpoint(struct db *db) {
    sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void db_shrink(struct db *db) {
    sqlite3_db_release_memory(db->handle);
}

bool db_data_version(struct db *db, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "PRAGMA data_version");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

static size_t slot_of(struct stmt *const *slots, size_t n, const char *sql) {
    size_t at = (size_t)(((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (n - 1);
    while (slots[at] && slots[at]->sql != sql) at = (at + 1) & (n - 1);
    return at;
}

static void grow(struct db *db) {
    size_t n = db->n_slots * 2;
    struct stmt **slots = allocate(n, sizeof(struct stmt *));
    for (size_t i = 0; i < db->n_slots; i++)
        if (db->slots[i]) slots[slot_of(slots, n, db->slots[i]->sql)] = db->slots[i];
    free(db->slots);
    db->slots = slots;
    db->n_slots = n;
}

/* SQLite numbers $n parameters by where they first stand in the text, not by n. */
static void number_parameters(struct stmt *stmt) {
    int count = sqlite3_bind_parameter_count(stmt->handle);
    for (int i = 1; i <= count; i++) {
        int64_t n;
        const char *name = sqlite3_bind_parameter_name(stmt->handle, i);
        if (!name || name[0] != '$' || !str_to_int(str_of(name + 1), 1, PARAMETERS_MAX, &n))
            die("parameters are $1, $2, ...", stmt->sql);
        stmt->index[n] = (unsigned char)i;
    }
}

/* A statement that was fine with every schema so far: somebody else took a piece of it away. */
static bool misses_a_piece(const char *words) {
    struct str text = str_of(words);
    return str_starts(text, "no such table") || str_starts(text, "no such column");
}

static void prepare(struct stmt *stmt) {
    struct db *db = stmt->db;
    int code = sqlite3_prepare_v3(db->handle, stmt->sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->handle, NULL);
    if (code == SQLITE_OK && stmt->handle)
        number_parameters(stmt);
    else if (code == SQLITE_ERROR && misses_a_piece(sqlite3_errmsg(db->handle)))
        error_set(&stmt->failure, ERR_INTERNAL, "the database is damaged (%s): restore a backup",
                  sqlite3_errmsg(db->handle));
    else if (code == SQLITE_OK || code == SQLITE_ERROR)
        die(sqlite3_errmsg(db->handle), stmt->sql);
    else
        fail(db, &stmt->failure); /* the schema could not be read from the disk, say: told by the first step */
}

struct stmt *db_stmt(struct db *db, const char *sql) {
    size_t at = slot_of(db->slots, db->n_slots, sql);
    struct stmt *stmt = db->slots[at];
    if (!stmt) {
        if (++db->n_statements * 2 > db->n_slots) {
            grow(db);
            at = slot_of(db->slots, db->n_slots, sql);
        }
        stmt = allocate(1, sizeof *stmt);
        stmt->sql = sql;
        stmt->db = db;
        db->slots[at] = stmt;
    }
    if (!stmt->handle) {
        prepare(stmt);
    } else {
        stmt_done(stmt);
        sqlite3_clear_bindings(stmt->handle);
    }
    return stmt;
}

static int index_of(const struct stmt *stmt, int parameter) {
    if (parameter < 1 || parameter > PARAMETERS_MAX || !stmt->index[parameter]) die("no such parameter", stmt->sql);
    return stmt->index[parameter];
}

/* Binding fails only for memory or a value over SQLite's limit; the statement then must not run with NULL there. */
static void bound(const struct stmt *stmt, int code) {
    if (code != SQLITE_OK) die(sqlite3_errstr(code), stmt->sql);
}

void stmt_text(struct stmt *stmt, int parameter, struct str value) {
    if (!stmt->handle) return;
    bound(stmt, sqlite3_bind_text64(stmt->handle, index_of(stmt, parameter), value.n ? value.p : "", value.n,
                                    SQLITE_STATIC, SQLITE_UTF8));
}

void stmt_int(struct stmt *stmt, int parameter, int64_t value) {
    if (!stmt->handle) return;
    bound(stmt, sqlite3_bind_int64(stmt->handle, index_of(stmt, parameter), value));
}

void stmt_blob(struct stmt *stmt, int parameter, struct str value) {
    if (!stmt->handle) return;
    bound(stmt,
          sqlite3_bind_blob64(stmt->handle, index_of(stmt, parameter), value.n ? value.p : "", value.n, SQLITE_STATIC));
}

void stmt_null(struct stmt *stmt, int parameter) {
    if (!stmt->handle) return;
    bound(stmt, sqlite3_bind_null(stmt->handle, index_of(stmt, parameter)));
}

void stmt_list(struct stmt *stmt, int parameter, const struct str *values, size_t n) {
    if (!stmt->handle) return;
    stmt->list = (struct list){values, n};
    bound(stmt, list_bind(stmt->handle, index_of(stmt, parameter), &stmt->list));
}

enum db_step stmt_step(struct stmt *stmt, struct error *reterr) {
    if (!stmt->handle) {
        *reterr = stmt->failure;
        return DB_FAIL;
    }
    int code = sqlite3_step(stmt->handle);
    if (code == SQLITE_ROW) {
        if (!stmt->running) stmt->running = true, stmt->db->running++;
        return DB_ROW;
    }
    if (code != SQLITE_DONE) fail(stmt->db, reterr);
    if (stmt->running) stmt->running = false, stmt->db->running--;
    sqlite3_reset(stmt->handle);
    return code == SQLITE_DONE ? DB_END : DB_FAIL;
}

struct str stmt_col_text(struct stmt *stmt, int column) {
    assert(stmt->running);
    /* The pointer first: asking for it may convert the value and so change its size. */
    const char *p = sqlite3_column_blob(stmt->handle, column);
    int n = sqlite3_column_bytes(stmt->handle, column);
    return p && n > 0 ? (struct str){p, (size_t)n} : STR("");
}

int64_t stmt_col_int(struct stmt *stmt, int column) {
    assert(stmt->running);
    return sqlite3_column_int64(stmt->handle, column);
}

bool stmt_col_is_null(struct stmt *stmt, int column) {
    assert(stmt->running);
    return sqlite3_column_type(stmt->handle, column) == SQLITE_NULL;
}

void stmt_done(struct stmt *stmt) {
    if (!stmt->running) return;
    stmt->running = false;
    stmt->db->running--;
    sqlite3_reset(stmt->handle);
}

bool stmt_run(struct stmt *stmt, int64_t *ret_changes, struct error *reterr) {
    enum db_step step;
    do step = stmt_step(stmt, reterr);
    while (step == DB_ROW);
    if (step == DB_FAIL) return false;
    if (ret_changes) *ret_changes = sqlite3_changes64(stmt->db->handle);
    return true;
}

bool stmt_queue(struct stmt *stmt, struct error *reterr) {
    return stmt_run(stmt, NULL, reterr);
}

enum db_engine db_engine(const struct db *db) {
    (void)db;
    return DB_SQLITE;
}

void db_touch_identities(struct db *db) {
    (void)db; /* every commit is seen by all */
}
