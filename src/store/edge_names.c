#include "store/edge_names.h"

#include "store/rows.h"

/* A domain that nobody but the registrar could take away. While extra accounts are made it is `provisioning`, too. */
#define IS_SERVED                                                                                                      \
    " d.active = 1 AND (d.state = 'ready' OR d.state = 'partial' OR (d.state = 'provisioning' AND NOT EXISTS (SELECT"  \
    " 1 FROM steps s WHERE s.domain_id = d.id AND s.account_id = '' AND s.kind = 'register_domain' AND s.state <>"     \
    " 'done')))"
#define IS_SUSPENDED                                                                                                   \
    "EXISTS (SELECT 1 FROM accounts a WHERE a.domain_id = d.id AND a.suspended_ms > 0 AND a.state <> 'cancelled' AND"  \
    " a.state <> 'failed')"
#define COLUMNS                                                                                                        \
    " CASE WHEN d.forwarding <> '' AND " IS_SUSPENDED " THEN '' ELSE d.forwarding END, d.forwarding_mode, d.provider"

static bool read_int(struct db *db, const char *sql, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

/*
 * In PostgreSQL a change's number is that of its transaction, and one that began earlier may be committed later. So the
 * newest number up to which all is seen is the last before the oldest transaction that still runs; what is above it and
 * committed is seen, too, and comes again.
 */
bool edge_names_version(struct db *db, int64_t *ret, struct error *reterr) {
    return read_int(db,
                    DB_EITHER(db, "SELECT MAX(version) FROM edge_changes",
                              "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1"),
                    ret, reterr);
}

/* Of the columns from COLUMN on. */
static struct edge_name read_name(struct stmt *stmt, struct str name, int column) {
    return (struct edge_name){
        .name = name,
        .is_served = true,
        .target = stmt_col_text(stmt, column),
        .mode = (enum forwarding_mode)row_word(stmt, column + 1, forwarding_mode_names, FORWARDING_MODE_END),
        .mail_provider = (enum provider)stmt_col_int(stmt, column + 2),
    };
}

bool edge_names_all(struct db *db, edge_name_fn *each, void *arg, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT d.name," COLUMNS " FROM domains d WHERE" IS_SERVED);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct edge_name name = read_name(stmt, stmt_col_text(stmt, 0), 1);
        each(arg, &name);
    }
    return step == DB_END;
}

/* Whether every change after SINCE is still there: the oldest go first. */
static bool goes_back_to(struct db *db, int64_t since, bool *ret, struct error *reterr) {
    /* PostgreSQL's numbers have gaps: only an older one that is still there shows that nothing is missing. */
    struct stmt *stmt =
        db_stmt(db, DB_EITHER(db, "SELECT MIN(version) <= $1 + 1 AND MAX(version) >= $1 FROM edge_changes",
                              "SELECT MIN(version) <= $1 AND pg_snapshot_xmax(pg_current_snapshot())::text::bigint > $1"
                              " FROM edge_changes"));
    stmt_int(stmt, 1, since);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0) != 0;
    stmt_done(stmt);
    return true;
}

#define CHANGED_NAMES(changes)                                                                                         \
    "SELECT c.version, c.name, d.id IS NOT NULL," COLUMNS " FROM (" changes                                            \
    ") c LEFT JOIN domains d ON d.name = c.name AND" IS_SERVED " ORDER BY c.version, c.name"

/* Hands out what STMT selects. */
static bool hand_out(struct stmt *stmt, edge_name_fn *each, void *arg, int64_t *ret_version, size_t *ret_n,
                     struct error *reterr) {
    enum db_step step;
    *ret_n = 0;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        *ret_version = stmt_col_int(stmt, 0);
        struct str text = stmt_col_text(stmt, 1);
        struct edge_name name = {.name = text};
        if (stmt_col_int(stmt, 2)) name = read_name(stmt, text, 3);
        each(arg, &name);
        ++*ret_n;
    }
    return step == DB_END;
}

/* What every reader sees has a place and goes out in pieces; what is newer, all at once, and will come again. A piece
 * is never cut within a transaction. */
static bool changed_in_postgres(struct db *db, size_t most, edge_name_fn *each, void *arg, int64_t *version,
                                bool *ret_more, struct error *reterr) {
    int64_t settled, last;
    size_t n;
    if (!edge_names_version(db, &settled, reterr)) return false;
    struct stmt *stmt =
        db_stmt(db, DB_ONLY_POSTGRES(CHANGED_NAMES("SELECT version, name FROM edge_changes WHERE version > $1 AND"
                                                   " version <= $2 ORDER BY version FETCH FIRST ($3) ROWS WITH TIES")));
    stmt_int(stmt, 1, *version);
    stmt_int(stmt, 2, settled);
    stmt_int(stmt, 3, (int64_t)most);
    if (!hand_out(stmt, each, arg, version, &n, reterr)) return false;
    *ret_more = n >= most;
    if (*ret_more) return true;
    stmt = db_stmt(db, DB_ONLY_POSTGRES(CHANGED_NAMES("SELECT version, name FROM edge_changes WHERE version > $1")));
    stmt_int(stmt, 1, settled);
    if (!hand_out(stmt, each, arg, &last, &n, reterr)) return false;
    if (settled > *version) *version = settled;
    return true;
}

bool edge_names_changed(struct db *db, int64_t since, size_t most, edge_name_fn *each, void *arg, int64_t *ret_version,
                        bool *ret_more, bool *ret_known, struct error *reterr) {
    *ret_version = since;
    *ret_more = false;
    if (!goes_back_to(db, since, ret_known, reterr)) return false;
    if (!*ret_known) return true;
    if (db_engine(db) == DB_POSTGRES) return changed_in_postgres(db, most, each, arg, ret_version, ret_more, reterr);
    size_t n;
    struct stmt *stmt = db_stmt(
        db, CHANGED_NAMES("SELECT version, name FROM edge_changes WHERE version > $1 ORDER BY version LIMIT $2"));
    stmt_int(stmt, 1, since);
    stmt_int(stmt, 2, (int64_t)most);
    if (!hand_out(stmt, each, arg, ret_version, &n, reterr)) return false;
    *ret_more = n == most;
    return true;
}

enum { KEPT = 50000 }; /* as the trigger of 008-mailhost.sql does */

bool edge_names_forget(struct db *db, struct error *reterr) {
    if (db_engine(db) == DB_SQLITE) return true;
    /* Numbers that were not given yet come from a copy of another server, and would stay the newest for long. */
    struct stmt *stmt =
        db_stmt(db, DB_ONLY_POSTGRES("DELETE FROM edge_changes WHERE version <= (SELECT version FROM edge_changes"
                                     " ORDER BY version DESC LIMIT 1 OFFSET $1)"
                                     " OR version >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"));
    stmt_int(stmt, 1, KEPT);
    return stmt_run(stmt, NULL, reterr);
}
