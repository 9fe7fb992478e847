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

bool edge_names_version(struct db *db, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT MAX(version) FROM edge_changes");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
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

/* Whether every change after SINCE is still there. */
static bool goes_back_to(struct db *db, int64_t since, bool *ret, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT (SELECT MIN(version) FROM edge_changes), (SELECT MAX(version) FROM edge_changes)");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0) <= since + 1 && stmt_col_int(stmt, 1) >= since;
    stmt_done(stmt);
    return true;
}

bool edge_names_changed(struct db *db, int64_t since, size_t most, edge_name_fn *each, void *arg, int64_t *ret_version,
                        bool *ret_known, struct error *reterr) {
    *ret_version = since;
    if (!goes_back_to(db, since, ret_known, reterr)) return false;
    if (!*ret_known) return true;
    struct stmt *stmt =
        db_stmt(db, "SELECT c.version, c.name, d.id IS NOT NULL," COLUMNS
                    " FROM (SELECT version, name FROM edge_changes WHERE version > $1 ORDER BY version"
                    " LIMIT $2) c LEFT JOIN domains d ON d.name = c.name AND" IS_SERVED " ORDER BY c.version");
    stmt_int(stmt, 1, since);
    stmt_int(stmt, 2, (int64_t)most);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        *ret_version = stmt_col_int(stmt, 0);
        struct str text = stmt_col_text(stmt, 1);
        struct edge_name name = {.name = text};
        if (stmt_col_int(stmt, 2)) name = read_name(stmt, text, 3);
        each(arg, &name);
    }
    return step == DB_END;
}
