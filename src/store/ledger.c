#include "store/ledger.h"

#include "store/rows.h"

const char *const ledger_subject_names[SUBJECT_END] = {
    [SUBJECT_ORDER] = "order",
    [SUBJECT_RENEWAL] = "renewal",
    [SUBJECT_REFUND] = "refund",
    [SUBJECT_INVOICE] = "invoice",
};

bool ledger_post(struct db *db, const struct ledger_transaction *t, struct error *reterr) {
    cents sum = 0;
    bool any = false;
    for (size_t i = 0; i < t->n; i++) {
        any = any || t->legs[i].amount != 0;
        if (__builtin_add_overflow(sum, t->legs[i].amount, &sum))
            return error_set(reterr, ERR_INTERNAL, "ledger transaction %.*s leaves the range of money", STR_ARG(t->id));
    }
    if (sum != 0)
        return error_set(reterr, ERR_INTERNAL,
                         "ledger transaction %.*s does not balance: its legs sum up to %lld cents", STR_ARG(t->id),
                         (long long)sum);
    if (!any) return true;
    struct stmt *stmt = db_stmt(
        db,
        "INSERT INTO ledger_entries (transaction_id, account, amount, workspace_id, subject_kind, subject_id, at_ms)"
        " SELECT $1, column1, column2, $2, $3, $4, $5 FROM"
        " (VALUES ($6, CAST($7 AS BIGINT)), ($8, $9), ($10, $11), ($12, $13), ($14, $15)) v WHERE column2 <> 0");
    stmt_text(stmt, 1, t->id);
    stmt_text(stmt, 2, t->workspace_id);
    stmt_text(stmt, 3, str_of(ledger_subject_names[t->subject]));
    stmt_text(stmt, 4, t->subject_id);
    stmt_int(stmt, 5, t->now_ms);
    for (int i = 0; i < LEDGER_LEGS_MAX; i++) {
        bool is_leg = (size_t)i < t->n;
        stmt_text(stmt, 6 + 2 * i, is_leg ? t->legs[i].account : STR(""));
        stmt_int(stmt, 7 + 2 * i, is_leg ? t->legs[i].amount : 0);
    }
    return stmt_queue(stmt, reterr);
}

bool ledger_balances(struct db *db, struct str account, struct arena *arena, struct ledger_balance **ret, size_t *ret_n,
                     struct error *reterr) {
    struct rows rows = {.size = sizeof(struct ledger_balance)};
    struct stmt *stmt = db_stmt(db, "SELECT account, SUM(CASE WHEN amount > 0 THEN amount ELSE 0 END),"
                                    " SUM(CASE WHEN amount < 0 THEN -amount ELSE 0 END), COUNT(*) FROM ledger_entries"
                                    " WHERE $1 = '' OR account = $1 OR (account > $1 || '/' AND account < $1 || '0')"
                                    " GROUP BY account ORDER BY account");
    stmt_text(stmt, 1, account);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct ledger_balance *)rows_add(&rows, arena) = (struct ledger_balance){
            .account = row_text(stmt, 0, arena),
            .debit = stmt_col_int(stmt, 1),
            .credit = stmt_col_int(stmt, 2),
            .entries = stmt_col_int(stmt, 3),
        };
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}
