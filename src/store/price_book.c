#include "store/price_book.h"

bool price_book_get(struct db *db, struct str workspace_id, struct prices *ret, struct error *reterr) {
    struct prices prices = prices_standard();
    /* The entries for everyone sort first, so that the workspace's own overwrite them. */
    struct stmt *stmt =
        db_stmt(db, "SELECT price, amount FROM prices WHERE workspace_id IN ('', $1) ORDER BY workspace_id");
    stmt_text(stmt, 1, workspace_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        enum price price = price_by_name(stmt_col_text(stmt, 0));
        if (price != PRICE_END) prices.of[price] = stmt_col_int(stmt, 1);
    }
    if (step == DB_FAIL) return false;
    *ret = prices;
    return true;
}

bool price_book_set(struct db *db, struct str workspace_id, enum price price, cents amount, int64_t now_ms,
                    struct error *reterr) {
    if (amount < 0 || amount > CENTS_MAX)
        return error_set(reterr, ERR_INVALID, "a price lies between 0 and %lld cents", (long long)CENTS_MAX);
    struct stmt *stmt = db_stmt(db, "INSERT INTO prices (workspace_id, price, amount, updated_ms)"
                                    " VALUES ($1, $2, $3, $4) ON CONFLICT (workspace_id, price) DO UPDATE SET"
                                    " amount = excluded.amount, updated_ms = excluded.updated_ms");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, str_of(price_rows[price].name));
    stmt_int(stmt, 3, amount);
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool price_book_unset(struct db *db, struct str workspace_id, enum price price, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "DELETE FROM prices WHERE workspace_id = $1 AND price = $2");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, str_of(price_rows[price].name));
    return stmt_run(stmt, NULL, reterr);
}
