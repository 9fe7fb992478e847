#include "store/payments.h"

bool payments_add(struct db *db, const struct payment_row *row, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "INSERT INTO payments (id, workspace_id, kind, bill_kind, bill_id, driver, reference, state, amount,"
            " decline, reason, brand, last4, at_ms)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
            " ON CONFLICT (id) DO UPDATE SET reference = excluded.reference, state = excluded.state,"
            " reason = excluded.reason, at_ms = excluded.at_ms"
            " WHERE payments.kind = 'refund' AND excluded.kind = 'refund' AND payments.state = 'failed'");
    stmt_text(stmt, 1, row->id);
    stmt_text(stmt, 2, row->workspace_id);
    stmt_text(stmt, 3, row->is_refund ? STR("refund") : STR("charge"));
    stmt_text(stmt, 4, str_of(bill_kind_names[row->bill_kind]));
    stmt_text(stmt, 5, row->bill_id);
    stmt_text(stmt, 6, row->driver);
    stmt_text(stmt, 7, row->reference);
    stmt_text(stmt, 8, row->failed ? STR("failed") : STR("succeeded"));
    stmt_int(stmt, 9, row->amount);
    stmt_text(stmt, 10, row->decline);
    stmt_text(stmt, 11, row->reason);
    stmt_text(stmt, 12, row->brand);
    stmt_text(stmt, 13, row->last4);
    stmt_int(stmt, 14, row->at_ms);
    int64_t written;
    if (!stmt_run(stmt, &written, reterr)) return false;
    return written || error_set(reterr, ERR_CONFLICT, "payment %.*s has ended before", STR_ARG(row->id));
}
