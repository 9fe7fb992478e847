#include "driver/notebook.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"

enum { STATEMENTS_MAX = 48 };

struct kept {
    const char *sql;
    sqlite3_stmt *stmt;
};

struct notebook {
    sqlite3 *db;
    char *path;
    const struct notebook_kind *kind;
    pthread_mutex_t mutex;
    int64_t deadline_ms; /* steady: until when this transaction waits for other processes */
    struct kept kept[STATEMENTS_MAX];
    size_t n_kept;
    sqlite3_stmt *active; /* has a row, or bindings that are the caller's */
    bool failed;
    char why[120]; /* the first failure of this transaction */
};

static void fail(struct notebook *notebook, const char *why) {
    if (notebook->failed) return;
    notebook->failed = true;
    snprintf(notebook->why, sizeof notebook->why, "%s", why);
}

/* What SQLite says, and what to do about it where it does not say that. */
static void fail_db(struct notebook *notebook) {
    switch (sqlite3_errcode(notebook->db)) {
    case SQLITE_BUSY:
        fail(notebook, "another program holds it locked; find and end it (`fuser`) if that lasts");
        break;
    case SQLITE_FULL:
        fail(notebook, "no room left on its disk");
        break;
    case SQLITE_READONLY:
        fail(notebook, "it may not be written; it has to belong to the user that runs dfyd");
        break;
    default:
        fail(notebook, sqlite3_errmsg(notebook->db));
    }
}

static sqlite3_stmt *prepared(struct notebook *notebook, const char *sql) {
    for (size_t i = 0; i < notebook->n_kept; i++)
        if (notebook->kept[i].sql == sql) return notebook->kept[i].stmt;
    if (notebook->n_kept == STATEMENTS_MAX) {
        fail(notebook, "too many statements");
        return NULL;
    }
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3(notebook->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
        fail_db(notebook);
        return NULL;
    }
    notebook->kept[notebook->n_kept++] = (struct kept){sql, stmt};
    return stmt;
}

static void let_go(struct notebook *notebook) {
    if (!notebook->active) return;
    sqlite3_reset(notebook->active);
    sqlite3_clear_bindings(notebook->active);
    notebook->active = NULL;
}

static bool step(struct notebook *notebook) {
    int rc = sqlite3_step(notebook->active);
    if (rc == SQLITE_ROW) return true;
    if (rc != SQLITE_DONE) fail_db(notebook);
    let_go(notebook);
    return false;
}

bool notebook_run_values(struct notebook *notebook, const char *sql, const struct notebook_value *values, int n) {
    let_go(notebook);
    sqlite3_stmt *stmt = notebook->failed ? NULL : prepared(notebook, sql);
    if (!stmt) return false;
    notebook->active = stmt;
    for (int i = 0; i < n; i++) {
        struct str text = values[i].text;
        int rc = values[i].is_number
                     ? sqlite3_bind_int64(stmt, i + 1, values[i].number)
                     : sqlite3_bind_text64(stmt, i + 1, text.n ? text.p : "", text.n, SQLITE_STATIC, SQLITE_UTF8);
        if (rc != SQLITE_OK) {
            fail_db(notebook);
            let_go(notebook);
            return false;
        }
    }
    return step(notebook);
}

bool notebook_next(struct notebook *notebook) {
    return !notebook->failed && notebook->active && step(notebook);
}

int64_t notebook_int(struct notebook *notebook, int column) {
    return notebook->active ? sqlite3_column_int64(notebook->active, column) : 0;
}

struct str notebook_text(struct notebook *notebook, int column) {
    const unsigned char *text = notebook->active ? sqlite3_column_text(notebook->active, column) : NULL;
    if (!text) return STR("");
    return (struct str){(const char *)text, (size_t)sqlite3_column_bytes(notebook->active, column)};
}

void notebook_begin(struct notebook *notebook) {
    const int64_t deadline_ms = clock_steady_ms() + notebook->kind->wait_ms;
    pthread_mutex_lock(&notebook->mutex);
    notebook->deadline_ms = deadline_ms;
    notebook->failed = false;
    /* At once with the right to write, so that nothing can come between a transaction's look and its act. */
    notebook_run_values(notebook, "BEGIN IMMEDIATE", NULL, 0);
}

bool notebook_commit(struct notebook *notebook, struct answer *answer) {
    notebook_run_values(notebook, "COMMIT", NULL, 0);
    const bool ok = !notebook->failed;
    if (!ok) {
        if (answer) *answer = (struct answer){0};
        answer_set(answer, OUTCOME_UNKNOWN, "%s cannot use %s: %s", notebook->kind->who, notebook->path, notebook->why);
        /* A full disk makes SQLite roll back by itself; then there is no transaction to end. */
        if (!sqlite3_get_autocommit(notebook->db)) sqlite3_exec(notebook->db, "ROLLBACK", NULL, NULL, NULL);
    }
    pthread_mutex_unlock(&notebook->mutex);
    return ok;
}

enum outcome notebook_end(struct notebook *notebook, enum outcome outcome, struct answer *answer) {
    return notebook_commit(notebook, answer) ? outcome : OUTCOME_UNKNOWN;
}

static bool version_is_known(struct notebook *notebook, int version, int *ret_found, struct error *reterr) {
    sqlite3_stmt *stmt = NULL;
    int found = 0;
    bool ok = sqlite3_prepare_v2(notebook->db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    if (ok) found = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    if (!ok)
        return error_set(reterr, ERR_INTERNAL, "cannot read %s: %s; if it is damaged, %s", notebook->path,
                         sqlite3_errmsg(notebook->db), notebook->kind->remedy);
    if (found > version)
        return error_set(reterr, ERR_INTERNAL, "%s is of version %d, this program knows up to %d: use a newer dfyd",
                         notebook->path, found, version);
    *ret_found = found;
    return true;
}

/*
 * WAL with synchronous=NORMAL: a commit is in the system's page cache when it returns, so it survives SIGKILL of this
 * process. Only a crash of the whole machine can take back the last commits, which is enough for a pretended world.
 */
static const char own_settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";
/* EXTRA syncs the folder as well: without that, a crash of the machine could bring the journal of a commit back, and
 * with it the state of before. */
static const char shared_settings[] = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;";

/* Looks every millisecond: SQLite's own handler waits ever longer, and seldom meets the gaps that a busy server leaves.
 */
static int wait_for_lock(void *arg, int times) {
    const struct notebook *notebook = arg;
    (void)times;
    if (clock_steady_ms() >= notebook->deadline_ms) return 0;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return 1;
}

/* SQLite does not ask its handler where two who wait for each other would wait for ever, as when several processes make
 * the file at once. */
static bool run_patiently(struct notebook *notebook, const char *sql) {
    int code, tries = 0;
    do code = sqlite3_exec(notebook->db, sql, NULL, NULL, NULL);
    while ((code & 0xff) == SQLITE_BUSY && wait_for_lock(notebook, tries++));
    return code == SQLITE_OK;
}

static bool set_up(struct notebook *notebook, const char *schema, int version, struct error *reterr) {
    int found = 0;
    if (!version_is_known(notebook, version, &found, reterr)) return false;
    char stamp[48] = "COMMIT"; /* a file that is as it has to be is not written */
    if (found != version) snprintf(stamp, sizeof stamp, "PRAGMA user_version = %d; COMMIT", version);
    const char *const steps[] = {
        notebook->kind->is_shared ? shared_settings : own_settings,
        notebook->kind->erases ? "PRAGMA secure_delete = ON" : "",
        "PRAGMA temp_store = MEMORY",
        "BEGIN IMMEDIATE",
        schema,
        stamp,
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (!run_patiently(notebook, steps[i]))
            return error_set(reterr, ERR_UNAVAILABLE, "cannot set up %s: %s", notebook->path,
                             sqlite3_errmsg(notebook->db));
    return true;
}

/* Never through a descriptor: to close one would give up the locks that this process holds on the file (fcntl). */
static bool make_file(const char *path, int mode, struct error *reterr) {
    struct stat about;
    if (!mode) return true;
    if (stat(path, &about) && mknod(path, S_IFREG | (mode_t)mode, 0) && errno != EEXIST)
        return error_set(reterr, ERR_UNAVAILABLE, "cannot make %s: %s", path, strerror(errno));
    if (stat(path, &about) || ((about.st_mode & 07777) != (mode_t)mode && chmod(path, (mode_t)mode)))
        return error_set(reterr, ERR_UNAVAILABLE, "cannot give %s the mode %o: %s", path, (unsigned)mode,
                         strerror(errno));
    return true;
}

bool notebook_open(const char *path, const struct notebook_kind *kind, const char *schema, int version,
                   struct notebook **ret, struct error *reterr) {
    if (!make_file(path, kind->mode, reterr)) return false;
    struct notebook *notebook = calloc(1, sizeof *notebook);
    char *copy = strdup(path);
    if (!notebook || !copy) {
        free(notebook);
        free(copy);
        return error_set(reterr, ERR_UNAVAILABLE, "no memory left to open %s", path);
    }
    notebook->path = copy;
    notebook->kind = kind;
    notebook->deadline_ms = clock_steady_ms() + kind->wait_ms;
    pthread_mutex_init(&notebook->mutex, NULL);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &notebook->db, flags, NULL) != SQLITE_OK) {
        error_set(reterr, ERR_UNAVAILABLE, "cannot open %s: %s", path,
                  notebook->db ? sqlite3_errmsg(notebook->db) : "no memory left");
        notebook_close(notebook);
        return false;
    }
    /* Another process may look in for a moment, such as a command beside a running server. */
    sqlite3_busy_handler(notebook->db, wait_for_lock, notebook);
    if (!set_up(notebook, schema, version, reterr)) {
        notebook_close(notebook);
        return false;
    }
    *ret = notebook;
    return true;
}

void notebook_close(struct notebook *notebook) {
    if (!notebook) return;
    for (size_t i = 0; i < notebook->n_kept; i++) sqlite3_finalize(notebook->kept[i].stmt);
    sqlite3_close(notebook->db);
    pthread_mutex_destroy(&notebook->mutex);
    free(notebook->path);
    free(notebook);
}
