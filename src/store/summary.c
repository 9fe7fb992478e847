#include "store/summary.h"

#include "store/rows.h"

static bool count_domains(struct db *db, struct str workspace_id, struct summary *summary, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT d.state, COUNT(*), SUM(CASE WHEN c.findings <> '' THEN 1 ELSE 0 END)"
                                    " FROM domains d LEFT JOIN domain_care c ON c.domain_id = d.id"
                                    " WHERE d.workspace_id = $1 GROUP BY d.state");
    stmt_text(stmt, 1, workspace_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        size_t state = row_word(stmt, 0, domain_state_names, DOMAIN_STATE_END);
        summary->domains[state] = stmt_col_int(stmt, 1);
        if (state == DOMAIN_READY || state == DOMAIN_PARTIAL) summary->drifted += stmt_col_int(stmt, 2);
    }
    return step != DB_FAIL;
}

static bool count_accounts(struct db *db, struct str workspace_id, struct summary *summary, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT a.state, COUNT(*), SUM(CASE WHEN a.suspended_ms > 0 THEN 1 ELSE 0 END)"
                                    " FROM accounts a WHERE a.workspace_id = $1 GROUP BY a.state");
    stmt_text(stmt, 1, workspace_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        size_t state = row_word(stmt, 0, account_state_names, ACCOUNT_STATE_END);
        summary->accounts[state] = stmt_col_int(stmt, 1);
        if (state == ACCOUNT_READY) summary->suspended = stmt_col_int(stmt, 2);
    }
    return step != DB_FAIL;
}

bool summary_get(struct db *db, struct str workspace_id, struct summary *ret, struct error *reterr) {
    struct summary summary = {0};
    if (!count_domains(db, workspace_id, &summary, reterr) || !count_accounts(db, workspace_id, &summary, reterr))
        return false;
    *ret = summary;
    return true;
}
