#include "store/payments.h"

#include "store/rows.h"

bool payments_ask_add(struct db *db, const struct payment_row *row, struct stmt **ret, struct error *reterr) {
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
    *ret = stmt;
    return stmt_ask(stmt, reterr);
}

bool payments_added(struct stmt *asked, struct str id, struct error *reterr) {
    int64_t written;
    if (!stmt_run(asked, &written, reterr)) return false;
    return written || error_set(reterr, ERR_CONFLICT, "payment %.*s has ended before", STR_ARG(id));
}

#define PAYMENT_COLUMNS                                                                                                \
    "SELECT id, workspace_id, kind, state, bill_kind, bill_id, driver, reference, amount, decline, reason, brand, "    \
    "last4,"                                                                                                           \
    " at_ms FROM payments "

static bool read_rows(struct stmt *stmt, struct arena *arena, struct payment_row **ret, size_t *ret_n,
                      struct error *reterr) {
    struct rows rows = {.size = sizeof(struct payment_row)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct payment_row *)rows_add(&rows, arena) = (struct payment_row){
            .id = row_text(stmt, 0, arena),
            .workspace_id = row_text(stmt, 1, arena),
            .is_refund = str_is(stmt_col_text(stmt, 2), "refund"),
            .failed = str_is(stmt_col_text(stmt, 3), "failed"),
            .bill_kind = (enum bill_kind)row_word(stmt, 4, bill_kind_names, BILL_KIND_END),
            .bill_id = row_text(stmt, 5, arena),
            .driver = row_text(stmt, 6, arena),
            .reference = row_text(stmt, 7, arena),
            .amount = stmt_col_int(stmt, 8),
            .decline = row_text(stmt, 9, arena),
            .reason = row_text(stmt, 10, arena),
            .brand = row_text(stmt, 11, arena),
            .last4 = row_text(stmt, 12, arena),
            .at_ms = stmt_col_int(stmt, 13),
        };
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool payments_page(struct db *db, struct str workspace_id, struct str before, size_t limit, struct arena *arena,
                   struct payment_row **ret, size_t *ret_n, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, workspace_id.n ? PAYMENT_COLUMNS "WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
                                   : PAYMENT_COLUMNS "WHERE $1 = '' AND id < $2 ORDER BY id DESC LIMIT $3");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, rows_before(before));
    stmt_int(stmt, 3, (int64_t)limit);
    return read_rows(stmt, arena, ret, ret_n, reterr);
}

bool payments_of_bill(struct db *db, struct str bill_id, struct arena *arena, struct payment_row **ret, size_t *ret_n,
                      struct error *reterr) {
    struct stmt *stmt = db_stmt(db, PAYMENT_COLUMNS "WHERE bill_id = $1 ORDER BY at_ms, id");
    stmt_text(stmt, 1, bill_id);
    return read_rows(stmt, arena, ret, ret_n, reterr);
}
