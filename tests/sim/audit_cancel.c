/* What a told cancellation means for money: from then on only a charge that is under way may still take some. */
#include "audit.h"
#include "model_renewals.h"

struct cancelled {
    struct run *run;
    const struct account_row *rows;
    size_t n;
};

static bool bar_account(struct db *db, struct run *run, struct str id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT r.payment_id FROM renewals r JOIN renewal_items i ON i.renewal_id = r.id"
                                    " WHERE i.account_id = $1 AND i.is_charged = 1 AND r.state = 'charging'");
    stmt_text(stmt, 1, id);
    enum db_step step = stmt_step(stmt, reterr);
    if (step != DB_FAIL) model_bar_account(&run->model, id, step == DB_ROW ? stmt_col_text(stmt, 0) : STR(""));
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* Domains that were cancelled with their last mailbox. */
static bool bar_domains(struct db *db, struct run *run, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT d.id, COALESCE((SELECT r.payment_id FROM renewals r JOIN renewal_items i"
                                    " ON i.renewal_id = r.id WHERE i.domain_id = d.id AND i.account_id = ''"
                                    " AND i.is_charged = 1 AND r.state = 'charging'), '') FROM domains d"
                                    " WHERE d.state = 'cancelled'");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        model_bar_domain(&run->model, stmt_col_text(stmt, 0), stmt_col_text(stmt, 1));
    return step == DB_END;
}

static bool bar(struct db *db, void *arg, struct error *reterr) {
    const struct cancelled *told = arg;
    for (size_t i = 0; i < told->n; i++)
        if (!bar_account(db, told->run, told->rows[i].id, reterr)) return false;
    return bar_domains(db, told->run, reterr);
}

void audit_cancelled(struct run *run, const struct account_row *rows, size_t n) {
    struct cancelled told = {run, rows, n};
    struct error error = {0};
    /* What was charged before was charged before. */
    audit_now(run, true);
    if (!store_read(run->store, bar, &told, &error))
        model_break(&run->model, "the database cannot be read: %s", error.message);
}
