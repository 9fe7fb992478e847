/* Whether somebody was told: of each thing about money the events that there must be, and no more of them. */
#include "audit.h"

/* How many events of TYPE say WHAT. */
static bool count(struct db *db, const char *type, struct str what, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COUNT(*) FROM events WHERE type = $1 AND instr(payload, $2) > 0");
    stmt_text(stmt, 1, str_of(type));
    stmt_text(stmt, 2, what);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

static bool expect(struct db *db, struct run *run, const char *type, struct str what, int64_t least, int64_t most,
                   struct error *reterr) {
    int64_t n;
    if (!count(db, type, what, &n, reterr)) return false;
    if (n < least || n > most)
        model_break(&run->model, "%s of %.*s was told %lld times, not %lld", type, STR_ARG(what), (long long)n,
                    (long long)least);
    return true;
}

bool audit_events(struct db *db, struct run *run, const struct seen_books *books, const bool *placed,
                  struct error *reterr) {
    const struct model *model = &run->model;
    for (size_t i = 0; i < model->n_orders; i++) {
        const struct model_order *order = &model->orders[i];
        if (placed[i] && !expect(db, run, "dfy_order_placed", str_of(order->id), 1, 1, reterr)) return false;
        for (size_t j = 0; placed[i] && order->type != ORDER_EXTRA_ACCOUNTS && j < order->n_domains; j++)
            if (order->domains[j].has_failed &&
                !expect(db, run, "dfy_domain_failed", order->domains[j].name, 1, INT64_MAX, reterr))
                return false;
    }
    /* Mailboxes that failed with their domain were told of with it. */
    for (size_t i = 0; i < books->n_refunds; i++) {
        struct str id = books->refunds[i].account_id;
        bool has_failed = false;
        for (size_t j = 0; id.n && j < books->n_accounts; j++)
            has_failed |= str_eq(books->accounts[j].id, id) && books->accounts[j].state == ACCOUNT_FAILED;
        for (size_t j = 0; has_failed && j < model->n_orders; j++)
            for (size_t k = 0; k < model->orders[j].n_domains; k++) {
                const struct model_domain *domain = &model->orders[j].domains[k];
                for (size_t l = 0; l < domain->n_emails; l++)
                    if (str_is(id, domain->accounts[l].id) &&
                        !expect(db, run, "dfy_account_failed", domain->emails[l], 1, INT64_MAX, reterr))
                        return false;
            }
    }
    for (size_t i = 0; i < books->n_renewals; i++) {
        const struct seen_renewal *renewal = &books->renewals[i];
        bool is_paid = renewal->state == RENEWAL_PAID && renewal->amount > 0;
        int64_t failed = renewal->failures + (renewal->state == RENEWAL_CANCELLED);
        /* One more when a registrar does not renew what was paid. */
        if ((is_paid && !expect(db, run, "dfy_renewal_succeeded", renewal->id, 1, 1, reterr)) ||
            !expect(db, run, "dfy_renewal_failed", renewal->id, failed, failed + (is_paid ? INT32_MAX : 0), reterr))
            return false;
    }
    return true;
}
