#include "store/connect.h"

/* Written by scripts/embed.py from sql/. */
extern const char sql_001_first[], sql_002_audit_events[], sql_003_webhooks[], sql_004_keys_workspaces_audit[],
    sql_005_cancel_forwarding[], sql_006_restrictions[], sql_007_money[], sql_008_mailhost[];

static const struct migration {
    const char *name, *sql;
} migrations[] = {
    {"001-first", sql_001_first},
    {"002-audit-events", sql_002_audit_events},
    {"003-webhooks", sql_003_webhooks},
    {"004-keys-workspaces-audit", sql_004_keys_workspaces_audit},
    {"005-cancel-forwarding", sql_005_cancel_forwarding},
    {"006-restrictions", sql_006_restrictions},
    {"007-money", sql_007_money},
    {"008-mailhost", sql_008_mailhost},
};

static bool version_get(struct db *db, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COALESCE(MAX(version), 0) FROM schema_version");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

/* Inside a transaction. Another process may have been faster: then there is nothing left to do. */
static bool apply(struct db *db, int64_t version, struct error *reterr) {
    int64_t now;
    if (!version_get(db, &now, reterr)) return false;
    if (now >= version) return true;
    const struct migration *m = &migrations[version - 1];
    if (!db_exec(db, m->sql, reterr)) return false;
    struct stmt *stmt = db_stmt(db, "INSERT INTO schema_version (version, name) VALUES ($1, $2)");
    stmt_int(stmt, 1, version);
    stmt_text(stmt, 2, str_of(m->name));
    return stmt_run(stmt, NULL, reterr);
}

bool migrate_run(struct db *db, struct error *reterr) {
    if (!db_exec(db,
                 "CREATE TABLE IF NOT EXISTS schema_version (\n"
                 "    version INTEGER NOT NULL PRIMARY KEY, -- the highest one is the schema's\n"
                 "    name TEXT NOT NULL\n"
                 ") STRICT",
                 reterr))
        return false;
    const int64_t newest = (int64_t)ARRAY_LEN(migrations);
    int64_t version;
    if (!version_get(db, &version, reterr)) return false;
    if (version > newest)
        return error_set(reterr, ERR_INVALID,
                         "the database has schema version %lld, this program knows up to %lld: use the newer program",
                         (long long)version, (long long)newest);
    while (version < newest) {
        version++;
        if (!db_exec(db, "BEGIN IMMEDIATE", reterr)) return false;
        if (!apply(db, version, reterr) || !db_exec(db, "COMMIT", reterr)) {
            struct error second;
            if (db_in_transaction(db) && !db_exec(db, "ROLLBACK", &second)) return false;
            return false;
        }
    }
    return true;
}
