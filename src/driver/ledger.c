#include "driver/ledger.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STATEMENTS_MAX = 48, BUSY_MS = 5000 };

struct kept {
    const char *sql;
    sqlite3_stmt *stmt;
};

struct ledger {
    sqlite3 *db;
    char *path;
    pthread_mutex_t mutex;
    struct kept kept[STATEMENTS_MAX];
    size_t n_kept;
    sqlite3_stmt *active; /* has a row, or bindings that are the caller's */
    bool failed;
    char why[120]; /* the first failure of this transaction */
};

static void fail(struct ledger *ledger, const char *why) {
    if (ledger->failed) return;
    ledger->failed = true;
    snprintf(ledger->why, sizeof ledger->why, "%s", why);
}

static sqlite3_stmt *prepared(struct ledger *ledger, const char *sql) {
    for (size_t i = 0; i < ledger->n_kept; i++)
        if (ledger->kept[i].sql == sql) return ledger->kept[i].stmt;
    if (ledger->n_kept == STATEMENTS_MAX) {
        fail(ledger, "too many statements");
        return NULL;
    }
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3(ledger->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
        fail(ledger, sqlite3_errmsg(ledger->db));
        return NULL;
    }
    ledger->kept[ledger->n_kept++] = (struct kept){sql, stmt};
    return stmt;
}

static void let_go(struct ledger *ledger) {
    if (!ledger->active) return;
    sqlite3_reset(ledger->active);
    sqlite3_clear_bindings(ledger->active);
    ledger->active = NULL;
}

static bool step(struct ledger *ledger) {
    int rc = sqlite3_step(ledger->active);
    if (rc == SQLITE_ROW) return true;
    if (rc != SQLITE_DONE) fail(ledger, sqlite3_errmsg(ledger->db));
    let_go(ledger);
    return false;
}

bool ledger_run_values(struct ledger *ledger, const char *sql, const struct ledger_value *values, int n) {
    let_go(ledger);
    sqlite3_stmt *stmt = ledger->failed ? NULL : prepared(ledger, sql);
    if (!stmt) return false;
    ledger->active = stmt;
    for (int i = 0; i < n; i++) {
        struct str text = values[i].text;
        int rc = values[i].is_number
                     ? sqlite3_bind_int64(stmt, i + 1, values[i].number)
                     : sqlite3_bind_text64(stmt, i + 1, text.n ? text.p : "", text.n, SQLITE_STATIC, SQLITE_UTF8);
        if (rc != SQLITE_OK) {
            fail(ledger, sqlite3_errmsg(ledger->db));
            let_go(ledger);
            return false;
        }
    }
    return step(ledger);
}

bool ledger_next(struct ledger *ledger) {
    return !ledger->failed && ledger->active && step(ledger);
}

int64_t ledger_int(struct ledger *ledger, int column) {
    return ledger->active ? sqlite3_column_int64(ledger->active, column) : 0;
}

struct str ledger_text(struct ledger *ledger, int column) {
    const unsigned char *text = ledger->active ? sqlite3_column_text(ledger->active, column) : NULL;
    if (!text) return STR("");
    return (struct str){(const char *)text, (size_t)sqlite3_column_bytes(ledger->active, column)};
}

void ledger_begin(struct ledger *ledger) {
    pthread_mutex_lock(&ledger->mutex);
    ledger->failed = false;
    /* At once with the right to write, so that nothing can come between a transaction's look and its act. */
    ledger_run_values(ledger, "BEGIN IMMEDIATE", NULL, 0);
}

bool ledger_commit(struct ledger *ledger, struct answer *answer) {
    ledger_run_values(ledger, "COMMIT", NULL, 0);
    const bool ok = !ledger->failed;
    if (!ok) {
        if (answer) *answer = (struct answer){0};
        answer_set(answer, OUTCOME_UNKNOWN, "sandbox cannot use %s: %s", ledger->path, ledger->why);
        /* A full disk makes SQLite roll back by itself; then there is no transaction to end. */
        if (!sqlite3_get_autocommit(ledger->db)) sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
    }
    pthread_mutex_unlock(&ledger->mutex);
    return ok;
}

enum outcome ledger_end(struct ledger *ledger, enum outcome outcome, struct answer *answer) {
    return ledger_commit(ledger, answer) ? outcome : OUTCOME_UNKNOWN;
}

static bool version_is_known(struct ledger *ledger, int version, struct error *reterr) {
    sqlite3_stmt *stmt = NULL;
    int found = 0;
    bool ok = sqlite3_prepare_v2(ledger->db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    if (ok) found = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    if (!ok)
        return error_set(reterr, ERR_INTERNAL,
                         "cannot read %s: %s; if it is damaged, move it away to start with an empty sandbox",
                         ledger->path, sqlite3_errmsg(ledger->db));
    if (found > version)
        return error_set(reterr, ERR_INTERNAL, "%s is of version %d, this program knows up to %d: use a newer dfyd",
                         ledger->path, found, version);
    return true;
}

/*
 * WAL with synchronous=NORMAL: a commit is in the system's page cache when it returns, so it survives SIGKILL of this
 * process. Only a crash of the whole machine can take back the last commits, which is enough for a pretended world.
 */
static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;";

static bool set_up(struct ledger *ledger, const char *schema, int version, struct error *reterr) {
    if (!version_is_known(ledger, version, reterr)) return false;
    char stamp[48];
    snprintf(stamp, sizeof stamp, "PRAGMA user_version = %d; COMMIT", version);
    if (sqlite3_exec(ledger->db, settings, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(ledger->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(ledger->db, schema, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(ledger->db, stamp, NULL, NULL, NULL) != SQLITE_OK)
        return error_set(reterr, ERR_UNAVAILABLE, "cannot set up %s: %s", ledger->path, sqlite3_errmsg(ledger->db));
    return true;
}

/* Looks every millisecond: SQLite's own handler waits ever longer, and seldom meets the gaps that a busy server leaves.
 */
static int wait_for_lock(void *arg, int times) {
    (void)arg;
    if (times >= BUSY_MS) return 0;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return 1;
}

bool ledger_open(const char *path, const char *schema, int version, struct ledger **ret, struct error *reterr) {
    struct ledger *ledger = calloc(1, sizeof *ledger);
    char *copy = strdup(path);
    if (!ledger || !copy) {
        free(ledger);
        free(copy);
        return error_set(reterr, ERR_UNAVAILABLE, "no memory left to open %s", path);
    }
    ledger->path = copy;
    pthread_mutex_init(&ledger->mutex, NULL);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &ledger->db, flags, NULL) != SQLITE_OK) {
        error_set(reterr, ERR_UNAVAILABLE, "cannot open %s: %s", path,
                  ledger->db ? sqlite3_errmsg(ledger->db) : "no memory left");
        ledger_close(ledger);
        return false;
    }
    /* Another process may look in for a moment, such as a command beside a running server. */
    sqlite3_busy_handler(ledger->db, wait_for_lock, NULL);
    if (!set_up(ledger, schema, version, reterr)) {
        ledger_close(ledger);
        return false;
    }
    *ret = ledger;
    return true;
}

void ledger_close(struct ledger *ledger) {
    if (!ledger) return;
    for (size_t i = 0; i < ledger->n_kept; i++) sqlite3_finalize(ledger->kept[i].stmt);
    sqlite3_close(ledger->db);
    pthread_mutex_destroy(&ledger->mutex);
    free(ledger->path);
    free(ledger);
}
