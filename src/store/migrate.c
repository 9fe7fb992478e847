#define _GNU_SOURCE /* flock */
#include "store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/connect.h"

enum {
    NODES_FROM = 9, /* the schema that has nodes, and says which programs still fit */
    ALIVE_MS = 15000,
    LOCK_TRIES = 5, /* of LOCK_WAIT each, in which a table is wanted and others wait behind */
};

/* Written by scripts/embed.py from sql/. */
extern const char sql_001_first[], sql_002_audit_events[], sql_003_webhooks[], sql_004_keys_workspaces_audit[],
    sql_005_cancel_forwarding[], sql_006_restrictions[], sql_007_money[], sql_008_mailhost[], sql_009_nodes[],
    sql_010_console[], postgres_009_baseline[], postgres_010_console[];

static const struct migration migrations[] = {
    {"001-first", sql_001_first, NULL, 1},
    {"002-audit-events", sql_002_audit_events, NULL, 2},
    {"003-webhooks", sql_003_webhooks, NULL, 3},
    {"004-keys-workspaces-audit", sql_004_keys_workspaces_audit, NULL, 4},
    {"005-cancel-forwarding", sql_005_cancel_forwarding, NULL, 5},
    {"006-restrictions", sql_006_restrictions, NULL, 6},
    {"007-money", sql_007_money, NULL, 7},
    {"008-mailhost", sql_008_mailhost, NULL, 8},
    {"009-nodes", sql_009_nodes, postgres_009_baseline, 9},
    {"010-console", sql_010_console, postgres_010_console, 9},
};

static const int64_t newest = (int64_t)ARRAY_LEN(migrations);

static bool read_int(struct stmt *stmt, int64_t *ret, struct error *reterr) {
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

#define OLDEST "SELECT MAX(oldest) FROM schema_version"
#define VERSION "SELECT COALESCE(MAX(version), 0) FROM schema_version"

/* 0: there is nothing yet. */
static bool version_get(struct db *db, int64_t *ret, struct error *reterr) {
    int64_t exists;
    struct stmt *stmt =
        db_stmt(db, DB_EITHER(db, "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'",
                              "SELECT COUNT(*) FROM pg_class WHERE relname = 'schema_version' AND"
                              " pg_table_is_visible(oid)"));
    if (!read_int(stmt, &exists, reterr)) return false;
    *ret = 0;
    return !exists || read_int(db_stmt(db, VERSION), ret, reterr);
}

/* Whether a program that knows KNOWN migrations works on a schema of VERSION, which is newer. */
static bool check_fits(struct db *db, int64_t version, int64_t known, struct error *reterr) {
    int64_t oldest = version;
    if (version >= NODES_FROM && !read_int(db_stmt(db, OLDEST), &oldest, reterr)) return false;
    if (oldest <= known) return true;
    return error_set(reterr, ERR_INVALID,
                     "the database has schema version %lld, which works with programs from version %lld on; this one"
                     " knows up to %lld: use the newer program",
                     (long long)version, (long long)oldest, (long long)known);
}

/* ---- one node at a time ---- */

/* In PostgreSQL the lock is asked for without end, tables only for a moment: what else wants them waits behind. */
static bool begin(struct db *db, struct error *reterr) {
    if (db_engine(db) == DB_SQLITE) return db_exec(db, "BEGIN IMMEDIATE", reterr);
    return db_exec(db,
                   "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '60s';"
                   " SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(1684437348, 1);"
                   " SET LOCAL lock_timeout = '2s'",
                   reterr);
}

static void roll_back(struct db *db) {
    struct error ignored;
    db_rest(db);
    /* A connection that cannot roll back is closed by its owner, which does the same. */
    if (db_in_transaction(db) && !db_exec(db, "ROLLBACK", &ignored)) return;
}

/* ---- nodes that would be locked out ---- */

/* Whether a process other than this one holds DIR/lock, as a server does: SQLite's nodes do not say that they live. */
static bool is_served(struct db *db, char *ret_number, size_t cap) {
    struct error ignored;
    struct stmt *stmt = db_stmt(db, "PRAGMA database_list");
    char path[PATH_MAX] = "";
    if (stmt_step(stmt, &ignored) == DB_ROW) {
        struct str file = stmt_col_text(stmt, 2), dir = file;
        while (dir.n && dir.p[dir.n - 1] != '/') dir.n--;
        int n = snprintf(path, sizeof path, "%.*slock", STR_ARG(dir));
        if (n < 0 || (size_t)n >= sizeof path) path[0] = '\0';
    }
    stmt_done(stmt);
    int fd = path[0] ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return false;
    bool is_held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    ssize_t n = pread(fd, ret_number, cap - 1, 0);
    ret_number[n > 0 ? n : 0] = '\0';
    ret_number[strspn(ret_number, "0123456789")] = '\0';
    close(fd);
    return is_held && strtol(ret_number, NULL, 10) != (long)getpid();
}

static bool check_nobody_is_locked_out(struct db *db, const struct migration *m, struct error *reterr) {
    char number[24];
    if (db_engine(db) == DB_SQLITE)
        return !is_served(db, number, sizeof number) ||
               error_set(reterr, ERR_CONFLICT,
                         "the change %s of the database would stop the server that runs on it (pid %s): end that first",
                         m->name, number);
    struct stmt *stmt = db_stmt(
        db, "SELECT name, version, schema FROM nodes WHERE schema < $1 AND"
            " seen_ms > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - $2 ORDER BY name LIMIT 1");
    stmt_int(stmt, 1, m->oldest);
    stmt_int(stmt, 2, ALIVE_MS);
    enum db_step step = stmt_step(stmt, reterr);
    if (step != DB_ROW) return step == DB_END;
    error_set(reterr, ERR_CONFLICT,
              "the change %s of the database would stop the node %.*s, which runs version %.*s: update or end the nodes"
              " that `dfyd node list` shows with a schema below %lld first",
              m->name, STR_ARG(stmt_col_text(stmt, 0)), STR_ARG(stmt_col_text(stmt, 1)), (long long)m->oldest);
    stmt_done(stmt);
    return false;
}

/* ---- running them ---- */

static bool record(struct db *db, int64_t version, const struct migration *m, struct error *reterr) {
    struct stmt *stmt = version < NODES_FROM
                            ? db_stmt(db, "INSERT INTO schema_version (version, name) VALUES ($1, $2)")
                            : db_stmt(db, "INSERT INTO schema_version (version, name, oldest) VALUES ($1, $2, $3)");
    stmt_int(stmt, 1, version);
    stmt_text(stmt, 2, str_of(m->name));
    if (version >= NODES_FROM) stmt_int(stmt, 3, m->oldest);
    return stmt_run(stmt, NULL, reterr);
}

/* The next one after version NOW; 0 when nothing is left. */
static int64_t next_after(struct db *db, const struct migration *all, size_t n, int64_t now) {
    bool postgres = db_engine(db) == DB_POSTGRES;
    for (size_t i = (size_t)now; i < n; i++)
        if (postgres ? all[i].postgres : all[i].sqlite) return (int64_t)i + 1;
    return 0;
}

static bool make_version_table(struct db *db, struct error *reterr) {
    return db_exec(db,
                   db_engine(db) == DB_POSTGRES
                       ? "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY,"
                         " name TEXT COLLATE \"C\" NOT NULL, oldest BIGINT NOT NULL)"
                       : "CREATE TABLE IF NOT EXISTS schema_version (\n"
                         "    version INTEGER NOT NULL PRIMARY KEY, -- the highest is the"
                         " schema's\n    name TEXT NOT NULL\n) STRICT",
                   reterr);
}

/* Inside a transaction, with the lock. Another process may have been faster: then there is nothing left to do. */
static bool apply_next(struct db *db, const struct migration *all, size_t n, struct error *reterr) {
    int64_t now;
    if (!make_version_table(db, reterr) || !read_int(db_stmt(db, VERSION), &now, reterr)) return false;
    int64_t version = next_after(db, all, n, now);
    if (!version) return true;
    const struct migration *m = &all[version - 1];
    int64_t oldest = m->oldest; /* what there was before there were nodes had none to lock out */
    if (now >= NODES_FROM && !read_int(db_stmt(db, OLDEST), &oldest, reterr)) return false;
    if (m->oldest > oldest && !check_nobody_is_locked_out(db, m, reterr)) return false;
    return db_exec(db, db_engine(db) == DB_POSTGRES ? m->postgres : m->sqlite, reterr) &&
           record(db, version, m, reterr);
}

static bool step_forward(struct db *db, const struct migration *all, size_t n, struct error *reterr) {
    if (!begin(db, reterr)) {
        roll_back(db);
        return false;
    }
    bool ok = apply_next(db, all, n, reterr);
    db_rest(db);
    if (ok && db_exec(db, "COMMIT", reterr)) return true;
    roll_back(db);
    return false;
}

bool migrate_through(struct db *db, const struct migration *all, size_t n, struct error *reterr) {
    int64_t version;
    int tries = 0;
    for (;;) {
        if (!version_get(db, &version, reterr)) return false;
        if (version > (int64_t)n) return check_fits(db, version, (int64_t)n, reterr);
        if (version && !next_after(db, all, n, version)) return true;
        if (step_forward(db, all, n, reterr))
            tries = 0;
        else if (db_engine(db) == DB_SQLITE || reterr->code != ERR_UNAVAILABLE || ++tries == LOCK_TRIES)
            return false;
    }
}

bool migrate_run(struct db *db, struct error *reterr) {
    return migrate_through(db, migrations, ARRAY_LEN(migrations), reterr);
}

int64_t migrate_newest(void) {
    return newest;
}

bool migrate_still_fits(struct db *db, struct error *reterr) {
    int64_t version;
    return version_get(db, &version, reterr) && (version <= newest || check_fits(db, version, newest, reterr));
}
