#include "store/domain_detail.h"

#include "store/rows.h"
#include "store/search_inside.h"

static bool read_domain(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                        struct domain_detail *ret, struct error *reterr) {
    enum { N = FOUND_DOMAIN_COLUMNS };
    struct stmt *stmt = db_stmt(
        db, FOUND_DOMAIN ", COALESCE(n.name, ''), d.year_price, d.month_price, k.domain_id IS NOT NULL,"
                         " k.dkim_rotation, COALESCE(k.dkim_phase, 'sole'), k.dkim_since_ms, k.dkim_again_ms,"
                         " k.dkim_tries, k.dkim_reason, k.checked_ms, k.check_tries, k.check_again_ms,"
                         " k.unclear_since_ms, k.unclear_reason, k.findings FROM domains d"
                         " LEFT JOIN domains n ON n.id = d.swapped_for AND d.swapped_for <> ''"
                         " LEFT JOIN domain_care k ON k.domain_id = d.id WHERE d.name = $1 AND d.workspace_id = $2"
                         " AND d.state <> 'reserved' ORDER BY d.id DESC LIMIT 1");
    stmt_text(stmt, 1, name);
    stmt_text(stmt, 2, workspace_id);
    if (!row_find(stmt, reterr, "there is no domain %.*s", STR_ARG(name))) return false;
    found_domain_read(stmt, arena, &ret->domain);
    ret->swapped_for = row_text(stmt, N, arena);
    ret->year_price = stmt_col_int(stmt, N + 1);
    ret->month_price = stmt_col_int(stmt, N + 2);
    ret->has_care = stmt_col_int(stmt, N + 3) != 0;
    ret->key = (struct care_key){
        .rotation = stmt_col_int(stmt, N + 4),
        .phase = (enum dkim_phase)row_word(stmt, N + 5, dkim_phase_names, DKIM_PHASE_END),
        .since_ms = stmt_col_int(stmt, N + 6),
        .again_ms = stmt_col_int(stmt, N + 7),
        .tries = stmt_col_int(stmt, N + 8),
        .reason = row_text(stmt, N + 9, arena),
    };
    ret->check = (struct care_check){
        .checked_ms = stmt_col_int(stmt, N + 10),
        .tries = stmt_col_int(stmt, N + 11),
        .again_ms = stmt_col_int(stmt, N + 12),
        .unclear_since_ms = stmt_col_int(stmt, N + 13),
        .unclear_reason = row_text(stmt, N + 14, arena),
        .is_checked = !stmt_col_is_null(stmt, N + 15),
        .findings = row_text(stmt, N + 15, arena),
    };
    stmt_done(stmt);
    return true;
}

static bool read_mailboxes(struct db *db, struct arena *arena, struct domain_detail *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, FOUND_MAILBOX " FROM accounts a JOIN domains d ON d.id = a.domain_id"
                                                  " WHERE a.domain_id = $1 AND a.state <> 'reserved'"
                                                  " ORDER BY a.id DESC");
    stmt_text(stmt, 1, ret->domain.id);
    return found_mailboxes_read(stmt, arena, &ret->mailboxes, &ret->n_mailboxes, reterr);
}

static bool read_orders(struct db *db, struct arena *arena, struct domain_detail *ret, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct domain_order)};
    struct stmt *stmt = db_stmt(db, "SELECT id, type, created_ms FROM orders WHERE id IN (SELECT order_id FROM domains"
                                    " WHERE id = $1 UNION SELECT order_id FROM accounts WHERE domain_id = $1"
                                    " AND state <> 'reserved') ORDER BY id DESC");
    stmt_text(stmt, 1, ret->domain.id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct domain_order *)rows_add(&rows, arena) = (struct domain_order){
            .id = row_text(stmt, 0, arena),
            .type = (enum order_type)row_word(stmt, 1, order_type_names, ARRAY_LEN(order_type_names)),
            .created_ms = stmt_col_int(stmt, 2),
        };
    if (step == DB_FAIL) return false;
    ret->orders = rows.first;
    ret->n_orders = rows.n;
    return true;
}

bool domain_detail_get(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                       struct domain_detail *ret, struct error *reterr) {
    struct domain_detail detail = {0};
    if (!read_domain(db, workspace_id, name, arena, &detail, reterr) || !read_mailboxes(db, arena, &detail, reterr) ||
        !step_list_domain(db, detail.domain.id, arena, &detail.steps, &detail.n_steps, reterr) ||
        !read_orders(db, arena, &detail, reterr))
        return false;
    *ret = detail;
    return true;
}
