#include "store/sqlite/connection.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

#include "store/engine.h"
#include "store/sqlite/list.h"

struct statement {
    struct stmt base;
    sqlite3_stmt *handle; /* NULL: could not be prepared, failure says why */
    struct error failure;
    struct list list;                        /* of stmt_list; a statement has one at most */
    unsigned char index[PARAMETERS_MAX + 1]; /* SQLite's number of parameter $n; 0: the statement has no $n */
};

struct connection {
    struct db base;
    sqlite3 *handle;
    int log_pages;
    int lock_wait_ms;
};

static struct connection *of(struct db *db) {
    return (struct connection *)db;
}

static struct statement *statement_of(struct stmt *stmt) {
    return (struct statement *)stmt;
}

/* The last failure of DB as an error. */
static bool fail(struct db *db, struct error *reterr) {
    sqlite3 *handle = of(db)->handle;
    int code = sqlite3_extended_errcode(handle);
    const char *words = sqlite3_errmsg(handle);
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
    struct connection *c = arg;
    c->log_pages = pages;
    return SQLITE_OK;
}

/*
 * Looks every millisecond. SQLite's own handler looks every 100 ms in the end, and a server under load leaves the lock
 * for much shorter than that: a command beside it would hardly ever get in.
 */
static int wait_for_lock(void *arg, int times) {
    const struct connection *c = arg;
    if (times >= c->lock_wait_ms) return 0;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return 1;
}

/* SQLite numbers $n parameters by where they first stand in the text, not by n. */
static void number_parameters(struct statement *stmt) {
    int count = sqlite3_bind_parameter_count(stmt->handle);
    for (int i = 1; i <= count; i++) {
        int64_t n;
        const char *name = sqlite3_bind_parameter_name(stmt->handle, i);
        if (!name || name[0] != '$' || !str_to_int(str_of(name + 1), 1, PARAMETERS_MAX, &n))
            store_die("parameters are $1, $2, ...", stmt->base.sql);
        stmt->index[n] = (unsigned char)i;
    }
}

/* A statement that was fine with every schema so far: somebody else took a piece of it away. */
static bool misses_a_piece(const char *words) {
    struct str text = str_of(words);
    return str_starts(text, "no such table") || str_starts(text, "no such column");
}

static void compile(struct statement *stmt) {
    struct db *db = stmt->base.db;
    sqlite3 *handle = of(db)->handle;
    int code = sqlite3_prepare_v3(handle, stmt->base.sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt->handle, NULL);
    if (code == SQLITE_OK && stmt->handle)
        number_parameters(stmt);
    else if (code == SQLITE_ERROR && misses_a_piece(sqlite3_errmsg(handle)))
        error_set(&stmt->failure, ERR_INTERNAL, "the database is damaged (%s): restore a backup",
                  sqlite3_errmsg(handle));
    else if (code == SQLITE_OK || code == SQLITE_ERROR)
        store_die(sqlite3_errmsg(handle), stmt->base.sql);
    else
        fail(db, &stmt->failure); /* the schema could not be read from the disk, say: told by the first step */
}

static void prepare(struct stmt *base) {
    struct statement *stmt = statement_of(base);
    if (stmt->handle)
        sqlite3_clear_bindings(stmt->handle);
    else
        compile(stmt);
}

static void forget(struct stmt *stmt) {
    sqlite3_finalize(statement_of(stmt)->handle);
}

static int index_of(const struct statement *stmt, int parameter) {
    if (parameter < 1 || parameter > PARAMETERS_MAX || !stmt->index[parameter])
        store_die("no such parameter", stmt->base.sql);
    return stmt->index[parameter];
}

/* Binding fails only for memory or a value over SQLite's limit; the statement then must not run with NULL there. */
static void bound(const struct statement *stmt, int code) {
    if (code != SQLITE_OK) store_die(sqlite3_errstr(code), stmt->base.sql);
}

static void bind_text(struct stmt *base, int parameter, struct str value) {
    struct statement *stmt = statement_of(base);
    if (!stmt->handle) return;
    bound(stmt, sqlite3_bind_text64(stmt->handle, index_of(stmt, parameter), value.n ? value.p : "", value.n,
                                    SQLITE_STATIC, SQLITE_UTF8));
}

static void bind_int(struct stmt *base, int parameter, int64_t value) {
    struct statement *stmt = statement_of(base);
    if (!stmt->handle) return;
    bound(stmt, sqlite3_bind_int64(stmt->handle, index_of(stmt, parameter), value));
}

static void bind_blob(struct stmt *base, int parameter, struct str value) {
    struct statement *stmt = statement_of(base);
    if (!stmt->handle) return;
    bound(stmt,
          sqlite3_bind_blob64(stmt->handle, index_of(stmt, parameter), value.n ? value.p : "", value.n, SQLITE_STATIC));
}

static void bind_null(struct stmt *base, int parameter) {
    struct statement *stmt = statement_of(base);
    if (!stmt->handle) return;
    bound(stmt, sqlite3_bind_null(stmt->handle, index_of(stmt, parameter)));
}

static void bind_list(struct stmt *base, int parameter, const struct str *values, size_t n) {
    struct statement *stmt = statement_of(base);
    if (!stmt->handle) return;
    stmt->list = (struct list){values, n};
    bound(stmt, list_bind(stmt->handle, index_of(stmt, parameter), &stmt->list));
}

static enum db_step step(struct stmt *base, struct error *reterr) {
    const struct statement *stmt = statement_of(base);
    if (!stmt->handle) {
        *reterr = stmt->failure;
        return DB_FAIL;
    }
    int code = sqlite3_step(stmt->handle);
    if (code == SQLITE_ROW) {
        stmt_runs(base, true);
        return DB_ROW;
    }
    if (code != SQLITE_DONE) fail(base->db, reterr);
    stmt_runs(base, false);
    sqlite3_reset(stmt->handle);
    return code == SQLITE_DONE ? DB_END : DB_FAIL;
}

static struct str col_text(struct stmt *stmt, int column) {
    assert(stmt->running);
    sqlite3_stmt *handle = statement_of(stmt)->handle;
    /* The pointer first: asking for it may convert the value and so change its size. */
    const char *p = sqlite3_column_blob(handle, column);
    int n = sqlite3_column_bytes(handle, column);
    return p && n > 0 ? (struct str){p, (size_t)n} : STR("");
}

static int64_t col_int(struct stmt *stmt, int column) {
    assert(stmt->running);
    return sqlite3_column_int64(statement_of(stmt)->handle, column);
}

static bool col_is_null(struct stmt *stmt, int column) {
    assert(stmt->running);
    return sqlite3_column_type(statement_of(stmt)->handle, column) == SQLITE_NULL;
}

static void done(struct stmt *stmt) {
    stmt_runs(stmt, false);
    sqlite3_reset(statement_of(stmt)->handle);
}

static bool run(struct stmt *stmt, int64_t *ret_changes, struct error *reterr) {
    enum db_step got;
    do got = step(stmt, reterr);
    while (got == DB_ROW);
    if (got == DB_FAIL) return false;
    if (ret_changes) *ret_changes = sqlite3_changes64(of(stmt->db)->handle);
    return true;
}

static bool queue(struct stmt *stmt, struct str name, struct error *reterr) {
    if (run(stmt, NULL, reterr)) return true;
    return reterr->code == ERR_CONFLICT && name.n ? db_taken(name, reterr) : false;
}

static bool ask(struct stmt *stmt, struct error *reterr) {
    (void)stmt;
    (void)reterr;
    return true; /* an answer is as near as the question */
}

static void touch_identities(struct db *db) {
    (void)db; /* every commit is seen by all */
}

static bool exec(struct db *db, const char *sql, struct error *reterr) {
    return sqlite3_exec(of(db)->handle, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, reterr);
}

static bool in_transaction(struct db *db) {
    return !sqlite3_get_autocommit(of(db)->handle);
}

static void close_connection(struct db *db) {
    sqlite3_close(of(db)->handle);
    free(db);
}

static const struct db_ops ops = {
    .engine = DB_SQLITE,
    .stmt_size = sizeof(struct statement),
    .prepare = prepare,
    .forget = forget,
    .text = bind_text,
    .integer = bind_int,
    .blob = bind_blob,
    .null = bind_null,
    .list = bind_list,
    .step = step,
    .col_text = col_text,
    .col_int = col_int,
    .col_is_null = col_is_null,
    .done = done,
    .run = run,
    .queue = queue,
    .ask = ask,
    .touch_identities = touch_identities,
    .exec = exec,
    .in_transaction = in_transaction,
    .close = close_connection,
};

/* Two that turn on the log of a new database at once are in each other's way, and SQLite tells one of them so without
 * asking wait_for_lock. */
static bool turn_on_log(struct db *db, const char *path, struct error *reterr) {
    struct connection *c = of(db);
    struct stmt *mode = db_stmt(db, "PRAGMA journal_mode = WAL");
    enum db_step step;
    for (int times = 0; (step = stmt_step(mode, reterr)) == DB_FAIL; times++)
        if ((sqlite3_errcode(c->handle) & 0xff) != SQLITE_BUSY || !wait_for_lock(c, times)) return false;
    bool is_on = step == DB_ROW && str_is(stmt_col_text(mode, 0), "wal");
    stmt_done(mode);
    return is_on || error_set(reterr, ERR_UNAVAILABLE, "%s: the file system cannot hold a log", path);
}

static bool set_up(struct db *db, const struct connect *connect, struct error *reterr) {
    struct connection *c = of(db);
    sqlite3_extended_result_codes(c->handle, 1);
    c->lock_wait_ms = connect->lock_wait_ms;
    sqlite3_busy_handler(c->handle, wait_for_lock, c);
    if (list_register(c->handle) != SQLITE_OK) return fail(db, reterr);
    /* Exclusive locking has to come before WAL: it is what makes WAL do without shared memory. */
    if (connect->exclusive && !db_exec(db, "PRAGMA locking_mode = EXCLUSIVE", reterr)) return false;
    if (!turn_on_log(db, connect->path, reterr)) return false;
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
    struct db *db = db_make(&ops, sizeof(struct connection));
    struct connection *c = of(db);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (!connect->read_only) flags |= SQLITE_OPEN_CREATE;
    bool ok = sqlite3_open_v2(connect->path, &c->handle, flags, connect->vfs) == SQLITE_OK;
    if (!c->handle) store_die("store", "out of memory");
    if (!ok) fail(db, reterr);
    if (!ok || !set_up(db, connect, reterr)) {
        db_close(db);
        return false;
    }
    *ret = db;
    return true;
}

int64_t db_total_changes(struct db *db) {
    return sqlite3_total_changes64(of(db)->handle);
}

int db_log_pages(struct db *db) {
    return of(db)->log_pages;
}

void db_checkpoint_by_hand(struct db *db) {
    sqlite3_wal_hook(of(db)->handle, note_log_pages, of(db));
}

void db_checkpoint(struct db *db) {
    sqlite3_wal_checkpoint_v2(of(db)->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void db_shrink(struct db *db) {
    sqlite3_db_release_memory(of(db)->handle);
}

bool db_data_version(struct db *db, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "PRAGMA data_version");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}
