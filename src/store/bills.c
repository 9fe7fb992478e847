#include "store/bills.h"

#include "store/rows.h"

bool bill_line_add(struct db *db, struct str bill_id, int64_t position, const struct bill_line *line,
                   struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO bill_lines (bill_id, position, kind, domain_id, quantity, unit,"
                                    " discount, amount, from_ms, to_ms)"
                                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    stmt_text(stmt, 1, bill_id);
    stmt_int(stmt, 2, position);
    stmt_text(stmt, 3, str_of(line_kind_names[line->kind]));
    stmt_text(stmt, 4, line->domain_id);
    stmt_int(stmt, 5, line->quantity);
    stmt_int(stmt, 6, line->unit);
    stmt_int(stmt, 7, line->discount);
    stmt_int(stmt, 8, line->amount);
    stmt_int(stmt, 9, line->from_ms);
    stmt_int(stmt, 10, line->to_ms);
    return stmt_queue(stmt, reterr);
}

bool bill_lines_get(struct db *db, struct str bill_id, struct arena *arena, struct bill_line **ret, size_t *ret_n,
                    struct error *reterr) {
    struct rows rows = {.size = sizeof(struct bill_line)};
    struct stmt *stmt = db_stmt(db, "SELECT kind, domain_id, quantity, unit, discount, amount, from_ms, to_ms"
                                    " FROM bill_lines WHERE bill_id = $1 ORDER BY position");
    stmt_text(stmt, 1, bill_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct bill_line *line = rows_add(&rows, arena);
        *line = (struct bill_line){
            .kind = (enum line_kind)row_word(stmt, 0, line_kind_names, LINE_KIND_END),
            .domain_id = row_text(stmt, 1, arena),
            .quantity = stmt_col_int(stmt, 2),
            .unit = stmt_col_int(stmt, 3),
            .discount = stmt_col_int(stmt, 4),
            .amount = stmt_col_int(stmt, 5),
            .from_ms = stmt_col_int(stmt, 6),
            .to_ms = stmt_col_int(stmt, 7),
        };
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}
