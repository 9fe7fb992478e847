#include "store/order_view.h"

#include "store/rows.h"

static bool read_order(struct db *db, struct str workspace_id, struct str order_id, struct arena *arena,
                       struct order_view *view, struct error *reterr) {
    if (!order_get(db, order_id, arena, &view->order, reterr)) return false;
    struct stmt *stmt = db_stmt(db, "SELECT o.ended_ms, o.price_version, o.discount, o.promotion_id,"
                                    " COALESCE(p.name, ''), o.payment_driver, o.card_brand, o.card_last4"
                                    " FROM orders o LEFT JOIN promotions p ON p.id = o.promotion_id"
                                    " WHERE o.id = $1 AND o.workspace_id = $2");
    stmt_text(stmt, 1, order_id);
    stmt_text(stmt, 2, workspace_id);
    if (!row_find(stmt, reterr, "there is no order %.*s", STR_ARG(order_id))) return false;
    view->ended_ms = stmt_col_int(stmt, 0);
    view->price_version = stmt_col_int(stmt, 1);
    view->discount = stmt_col_int(stmt, 2);
    view->promotion_id = row_text(stmt, 3, arena);
    view->promotion_name = row_text(stmt, 4, arena);
    view->driver = row_text(stmt, 5, arena);
    view->brand = row_text(stmt, 6, arena);
    view->last4 = row_text(stmt, 7, arena);
    stmt_done(stmt);
    return true;
}

/* In the order of its items, which got their ids from the last to the first. */
static bool read_domains(struct db *db, struct arena *arena, struct order_view *view, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct viewed_domain)};
    struct stmt *stmt = db_stmt(db, "SELECT d.id, d.name, d.state, COALESCE(n.name, '') FROM domains d"
                                    " LEFT JOIN domains n ON n.id = d.swapped_for AND d.swapped_for <> ''"
                                    " WHERE d.id IN (SELECT id FROM domains WHERE order_id = $1"
                                    " UNION SELECT domain_id FROM accounts WHERE order_id = $1) ORDER BY d.id DESC");
    stmt_text(stmt, 1, view->order.id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct viewed_domain *)rows_add(&rows, arena) = (struct viewed_domain){
            .id = row_text(stmt, 0, arena),
            .name = row_text(stmt, 1, arena),
            .state = (enum domain_state)row_word(stmt, 2, domain_state_names, DOMAIN_STATE_END),
            .swapped_for = row_text(stmt, 3, arena),
        };
    if (step == DB_FAIL) return false;
    view->domains = rows.first;
    view->n_domains = rows.n;
    return true;
}

/* All accounts and steps of the order, sorted as its domains are, so that each domain's stand together. */
static bool read_accounts(struct db *db, struct arena *arena, struct order_view *view, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct viewed_account)};
    struct stmt *stmt = db_stmt(db, "SELECT id, email, reason, state, domain_id FROM accounts WHERE order_id = $1"
                                    " ORDER BY domain_id DESC, id DESC");
    stmt_text(stmt, 1, view->order.id);
    size_t at = 0;
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        *(struct viewed_account *)rows_add(&rows, arena) = (struct viewed_account){
            .id = row_text(stmt, 0, arena),
            .email = row_text(stmt, 1, arena),
            .reason = row_text(stmt, 2, arena),
            .state = (enum account_state)row_word(stmt, 3, account_state_names, ACCOUNT_STATE_END),
        };
        while (at < view->n_domains && !str_eq(view->domains[at].id, stmt_col_text(stmt, 4))) at++;
        if (at < view->n_domains) view->domains[at].n_accounts++;
    }
    if (step == DB_FAIL) return false;
    struct viewed_account *next = rows.first;
    for (size_t i = 0; i < view->n_domains; i++) {
        view->domains[i].accounts = next;
        if (next) next += view->domains[i].n_accounts;
    }
    return true;
}

static bool read_steps(struct db *db, struct arena *arena, struct order_view *view, struct error *reterr) {
    struct step *steps;
    size_t n;
    if (!step_list(db, view->order.id, arena, &steps, &n, reterr)) return false;
    /* They stand in the order of the domains. */
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        while (at < view->n_domains && !str_eq(view->domains[at].id, steps[i].domain_id)) at++;
        if (at == view->n_domains) break;
        struct viewed_domain *domain = &view->domains[at];
        if (domain->n_steps++ == 0) domain->steps = &steps[i];
    }
    return true;
}

static bool read_refunds(struct db *db, struct arena *arena, struct order_view *view, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct viewed_refund)};
    struct stmt *stmt =
        db_stmt(db, "SELECT r.id, COALESCE(d.name, ''), COALESCE(a.email, ''), r.state, r.why, r.reason, r.amount,"
                    " r.created_ms, r.due_ms, r.ended_ms FROM refunds r LEFT JOIN domains d ON d.id = r.domain_id"
                    " LEFT JOIN accounts a ON a.id = r.account_id"
                    " WHERE r.bill_id = $1 AND r.bill_kind = 'order' ORDER BY r.created_ms, r.id");
    stmt_text(stmt, 1, view->order.id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct viewed_refund *)rows_add(&rows, arena) = (struct viewed_refund){
            .id = row_text(stmt, 0, arena),
            .domain = row_text(stmt, 1, arena),
            .email = row_text(stmt, 2, arena),
            .state = row_text(stmt, 3, arena),
            .why = row_text(stmt, 4, arena),
            .reason = row_text(stmt, 5, arena),
            .amount = stmt_col_int(stmt, 6),
            .created_ms = stmt_col_int(stmt, 7),
            .due_ms = stmt_col_int(stmt, 8),
            .ended_ms = stmt_col_int(stmt, 9),
        };
    if (step == DB_FAIL) return false;
    view->refunds = rows.first;
    view->n_refunds = rows.n;
    return true;
}

bool order_view_get(struct db *db, struct str workspace_id, struct str order_id, struct arena *arena,
                    struct order_view *ret, struct error *reterr) {
    struct order_view view = {0};
    struct stmt *lines;
    if (!read_order(db, workspace_id, order_id, arena, &view, reterr) || !read_domains(db, arena, &view, reterr) ||
        !read_accounts(db, arena, &view, reterr) || !read_steps(db, arena, &view, reterr) ||
        !read_refunds(db, arena, &view, reterr) || !invoices_ask_lines(db, order_id, &lines, reterr) ||
        !invoices_lines(lines, arena, &view.lines, &view.n_lines, reterr) ||
        !payments_of_bill(db, order_id, arena, &view.payments, &view.n_payments, reterr) ||
        !invoices_of_bill(db, order_id, arena, &view.invoices, &view.n_invoices, reterr))
        return false;
    *ret = view;
    return true;
}
