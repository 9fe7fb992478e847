#include "store/refund_amounts.h"

#include "store/rows.h"

bool refund_bill(struct db *db, struct str bill_id, struct arena *arena, struct paid_bill *ret, bool *ret_is_paid,
                 struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT bill_kind, workspace_id, id, driver, amount - (SELECT COALESCE(SUM(r.amount), 0)"
                    " FROM refunds r WHERE r.bill_id = $1 AND r.state <> 'swapped')"
                    " FROM payments WHERE bill_id = $1 AND kind = 'charge' AND state = 'succeeded'");
    stmt_text(stmt, 1, bill_id);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret_is_paid = step == DB_ROW;
    if (*ret_is_paid)
        *ret = (struct paid_bill){
            .kind = (enum bill_kind)row_word(stmt, 0, bill_kind_names, BILL_KIND_END),
            .id = arena_str(arena, bill_id),
            .workspace_id = row_text(stmt, 1, arena),
            .payment_id = row_text(stmt, 2, arena),
            .driver = row_text(stmt, 3, arena),
            .left = stmt_col_int(stmt, 4),
        };
    stmt_done(stmt);
    return true;
}

/* The number that STMT selects, 0 when there is no row. */
static bool select_int(struct stmt *stmt, int64_t *ret, struct error *reterr) {
    *ret = 0;
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_ROW) *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* What is decided on already, for the domain or for any of its mailboxes. */
static bool select_decided(struct db *db, const struct paid_bill *bill, struct str domain_id, cents *ret,
                           struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COALESCE(SUM(amount), 0) FROM refunds"
                                    " WHERE bill_id = $1 AND domain_id = $2");
    stmt_text(stmt, 1, bill->id);
    stmt_text(stmt, 2, domain_id);
    return select_int(stmt, ret, reterr);
}

static bool has_refund(struct db *db, const struct paid_bill *bill, struct str domain_id, struct str account_id,
                       bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COUNT(*) FROM refunds WHERE bill_id = $1 AND domain_id = $2"
                                    " AND account_id IN ('', $3)");
    stmt_text(stmt, 1, bill->id);
    stmt_text(stmt, 2, domain_id);
    stmt_text(stmt, 3, account_id);
    int64_t n;
    if (!select_int(stmt, &n, reterr)) return false;
    *ret = n > 0;
    return true;
}

static bool amount_of_domain(struct db *db, const struct paid_bill *bill, struct str domain_id, cents *ret,
                             struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT COALESCE(SUM(amount), 0) FROM bill_lines WHERE bill_id = $1 AND domain_id = $2");
    stmt_text(stmt, 1, bill->id);
    stmt_text(stmt, 2, domain_id);
    cents paid, decided;
    if (!select_int(stmt, &paid, reterr) || !select_decided(db, bill, domain_id, &decided, reterr)) return false;
    *ret = paid - decided;
    return true;
}

/* Of an order, the mailbox's part of the line that it stands on with its siblings; of a renewal its own item. */
static bool amount_of_mailbox(struct db *db, const struct paid_bill *bill, struct str domain_id, struct str account_id,
                              cents *ret, struct error *reterr) {
    struct stmt *stmt;
    if (bill->kind == BILL_RENEWAL) {
        stmt = db_stmt(db, "SELECT amount FROM renewal_items WHERE renewal_id = $1 AND domain_id = $2"
                           " AND account_id = $3 AND kind = 'mailbox_month' AND is_charged = 1");
        stmt_text(stmt, 1, bill->id);
        stmt_text(stmt, 2, domain_id);
        stmt_text(stmt, 3, account_id);
        return select_int(stmt, ret, reterr);
    }
    stmt = db_stmt(db, "SELECT l.amount, l.quantity, (SELECT COUNT(*) FROM accounts a WHERE a.order_id = $1"
                       " AND a.domain_id = $2 AND a.id < $3) FROM bill_lines l WHERE l.bill_id = $1"
                       " AND l.domain_id = $2 AND l.kind = 'mailbox_month' AND EXISTS (SELECT 1 FROM accounts a"
                       " WHERE a.id = $3 AND a.order_id = $1 AND a.domain_id = $2)");
    stmt_text(stmt, 1, bill->id);
    stmt_text(stmt, 2, domain_id);
    stmt_text(stmt, 3, account_id);
    enum db_step step = stmt_step(stmt, reterr);
    *ret = step == DB_ROW ? bill_share(stmt_col_int(stmt, 0), stmt_col_int(stmt, 2), stmt_col_int(stmt, 1)) : 0;
    stmt_done(stmt);
    return step != DB_FAIL;
}

bool refund_amount_of(struct db *db, const struct paid_bill *bill, struct str domain_id, struct str account_id,
                      cents *ret, struct error *reterr) {
    bool is_refunded;
    cents amount = 0;
    if (!has_refund(db, bill, domain_id, account_id, &is_refunded, reterr)) return false;
    if (!is_refunded && !(account_id.n ? amount_of_mailbox(db, bill, domain_id, account_id, &amount, reterr)
                                       : amount_of_domain(db, bill, domain_id, &amount, reterr)))
        return false;
    if (amount > bill->left) amount = bill->left;
    *ret = amount > 0 ? amount : 0;
    return true;
}

bool refund_refuse_unpaid(struct db *db, struct str bill_id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM refunds WHERE id = $1 UNION ALL SELECT 2 FROM orders WHERE id = $1"
                                    " UNION ALL SELECT 3 FROM renewals WHERE id = $1 LIMIT 1");
    stmt_text(stmt, 1, bill_id);
    int64_t what;
    if (!select_int(stmt, &what, reterr)) return false;
    if (what == 1)
        return error_set(reterr, ERR_CONFLICT, "%.*s is a refund: what goes back is not refunded again",
                         STR_ARG(bill_id));
    if (what == 2 || what == 3)
        return error_set(reterr, ERR_CONFLICT, "nothing was charged for %s %.*s", what == 2 ? "order" : "renewal",
                         STR_ARG(bill_id));
    return error_set(reterr, ERR_NOT_FOUND, "there is no order or renewal %.*s", STR_ARG(bill_id));
}
