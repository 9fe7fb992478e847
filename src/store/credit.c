#include "store/credit.h"

#include "store/rows.h"

bool credit_set_limit(struct db *db, struct str workspace_id, cents limit, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE workspaces SET credit_limit = $2 WHERE id = $1");
    stmt_text(stmt, 1, workspace_id);
    stmt_int(stmt, 2, limit);
    db_touch_identities(db);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    return changed || error_set(reterr, ERR_NOT_FOUND, "there is no workspace %.*s", STR_ARG(workspace_id));
}

/* The row of a query that gives at most one; *ret_found says whether there is one, and then STMT is to be done. */
static bool first_row(struct stmt *stmt, bool *ret_found, struct error *reterr) {
    enum db_step step = stmt_step(stmt, reterr);
    *ret_found = step == DB_ROW;
    return step != DB_FAIL;
}

bool credit_get(struct db *db, struct str workspace_id, struct credit *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "SELECT w.credit_limit,"
            " (SELECT coalesce(sum(c.amount), 0) FROM credit_charges c WHERE c.workspace_id = w.id)"
            " - (SELECT coalesce(sum(r.amount), 0) FROM credit_refunds r JOIN credit_charges c ON c.id = r.charge_id"
            " WHERE c.workspace_id = w.id)"
            " - (SELECT coalesce(sum(p.amount), 0) FROM invoices i JOIN invoice_payments p ON p.number = i.number"
            " WHERE i.workspace_id = w.id AND i.driver = 'invoice' AND i.kind = 'invoice')"
            " FROM workspaces w WHERE w.id = $1");
    stmt_text(stmt, 1, workspace_id);
    bool found;
    if (!first_row(stmt, &found, reterr)) return false;
    if (!found) return error_set(reterr, ERR_NOT_FOUND, "there is no workspace %.*s", STR_ARG(workspace_id));
    *ret = (struct credit){.limit = stmt_col_int(stmt, 0), .owed = stmt_col_int(stmt, 1)};
    stmt_done(stmt);
    return true;
}

/* What stands under CHARGE's key; *ret_found is false when nothing does. */
static bool find_charge(struct db *db, const struct credit_charge *charge, bool *ret_found, enum credit_state *ret,
                        struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT workspace_id, amount FROM credit_charges WHERE id = $1");
    stmt_text(stmt, 1, charge->id);
    if (!first_row(stmt, ret_found, reterr)) return false;
    if (!*ret_found) return true;
    cents amount = stmt_col_int(stmt, 1);
    bool same = str_eq(stmt_col_text(stmt, 0), charge->workspace_id) && amount == charge->amount;
    *ret = amount == 0 ? CREDIT_IS_CLOSED : same ? CREDIT_IS_CHARGED : CREDIT_IS_OTHER;
    stmt_done(stmt);
    return true;
}

static bool add_charge(struct db *db, const struct credit_charge *charge, cents amount, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO credit_charges (id, workspace_id, amount, at_ms) VALUES ($1, $2, $3, $4)");
    stmt_text(stmt, 1, charge->id);
    stmt_text(stmt, 2, charge->workspace_id);
    stmt_int(stmt, 3, amount);
    stmt_int(stmt, 4, charge->now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool credit_charge(struct db *db, const struct credit_charge *charge, enum credit_state *ret, struct error *reterr) {
    bool found;
    struct credit credit = {0};
    if (!find_charge(db, charge, &found, ret, reterr)) return false;
    if (found) return true;
    if (!credit_get(db, charge->workspace_id, &credit, reterr)) return false;
    *ret = charge->amount <= credit.limit - credit.owed ? CREDIT_IS_CHARGED : CREDIT_IS_OVER_LIMIT;
    return *ret == CREDIT_IS_OVER_LIMIT || add_charge(db, charge, charge->amount, reterr);
}

bool credit_close(struct db *db, const struct credit_charge *charge, enum credit_state *ret, struct error *reterr) {
    bool found;
    if (!find_charge(db, charge, &found, ret, reterr)) return false;
    if (!found) *ret = CREDIT_IS_CLOSED;
    if (*ret == CREDIT_IS_OTHER) *ret = CREDIT_IS_CHARGED;
    return found || add_charge(db, charge, 0, reterr);
}

/* Whether a refund with this id is there already; ERR_CONFLICT when it is another one. */
static bool find_refund(struct db *db, struct str id, struct str charge_id, cents amount, bool *ret_found,
                        struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT charge_id, amount FROM credit_refunds WHERE id = $1");
    stmt_text(stmt, 1, id);
    if (!first_row(stmt, ret_found, reterr)) return false;
    if (!*ret_found) return true;
    bool same = str_eq(stmt_col_text(stmt, 0), charge_id) && stmt_col_int(stmt, 1) == amount;
    stmt_done(stmt);
    return same || error_set(reterr, ERR_CONFLICT, "this key was used for another refund");
}

bool credit_refund(struct db *db, struct str id, struct str charge_id, cents amount, int64_t now_ms,
                   struct error *reterr) {
    bool found;
    if (!find_refund(db, id, charge_id, amount, &found, reterr)) return false;
    if (found) return true;
    struct stmt *stmt = db_stmt(db, "SELECT amount - (SELECT coalesce(sum(amount), 0) FROM credit_refunds"
                                    " WHERE charge_id = $1) FROM credit_charges WHERE id = $1 AND amount > 0");
    stmt_text(stmt, 1, charge_id);
    if (!first_row(stmt, &found, reterr)) return false;
    if (!found) return error_set(reterr, ERR_NOT_FOUND, "there is no such charge");
    cents left = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    if (amount <= 0 || amount > left) return error_set(reterr, ERR_CONFLICT, "more than is left of the charge");
    stmt = db_stmt(db, "INSERT INTO credit_refunds (id, charge_id, amount, at_ms) VALUES ($1, $2, $3, $4)");
    stmt_text(stmt, 1, id);
    stmt_text(stmt, 2, charge_id);
    stmt_int(stmt, 3, amount);
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool credit_movements(struct db *db, int64_t from_ms, struct arena *arena, struct credit_movement **ret, size_t *ret_n,
                      struct error *reterr) {
    struct rows rows = {.size = sizeof(struct credit_movement)};
    struct stmt *stmt = db_stmt(db, "SELECT 0, id, amount, at_ms FROM credit_charges WHERE amount > 0 AND at_ms >= $1"
                                    " UNION ALL SELECT 1, id, amount, at_ms FROM credit_refunds WHERE at_ms >= $1");
    stmt_int(stmt, 1, from_ms);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct credit_movement *movement = rows_add(&rows, arena);
        movement->is_refund = stmt_col_int(stmt, 0) != 0;
        movement->id = row_text(stmt, 1, arena);
        movement->amount = stmt_col_int(stmt, 2);
        movement->at_ms = stmt_col_int(stmt, 3);
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}
