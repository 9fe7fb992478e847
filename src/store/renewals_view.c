#include "store/renewals_view.h"

#include "core/dunning.h"
#include "store/rows.h"

#define OPEN "('due', 'charging', 'suspended')"

#define RENEWAL_COLUMNS                                                                                                \
    "SELECT r.id, r.workspace_id, r.day_ms, r.state, r.amount, r.failures, r.stage, r.due_ms, r.next_ms, "             \
    "r.card_brand,"                                                                                                    \
    " r.card_last4, r.reason, r.created_ms FROM renewals r "

static bool read_rows(struct stmt *stmt, struct arena *arena, struct renewal_row **ret, size_t *ret_n,
                      struct error *reterr) {
    struct rows rows = {.size = sizeof(struct renewal_row)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct renewal_row *)rows_add(&rows, arena) = (struct renewal_row){
            .id = row_text(stmt, 0, arena),
            .workspace_id = row_text(stmt, 1, arena),
            .day_ms = stmt_col_int(stmt, 2),
            .state = (enum renewal_state)row_word(stmt, 3, renewal_state_names, RENEWAL_STATE_END),
            .amount = stmt_col_int(stmt, 4),
            .failures = stmt_col_int(stmt, 5),
            .stage = stmt_col_int(stmt, 6),
            .due_ms = stmt_col_int(stmt, 7),
            .cancels = stmt_col_int(stmt, 6) >= DUNNING_TRIES && stmt_col_int(stmt, 8) <= stmt_col_int(stmt, 7),
            .brand = row_text(stmt, 9, arena),
            .last4 = row_text(stmt, 10, arena),
            .reason = row_text(stmt, 11, arena),
            .created_ms = stmt_col_int(stmt, 12),
        };
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

/* The lines of all of them in one query, sorted as they are. */
static bool read_lines(struct db *db, struct renewal_row *renewals, size_t n, struct arena *arena,
                       struct error *reterr) {
    struct rows rows = {.size = sizeof(struct invoice_line)};
    struct str *ids = ARENA_ARRAY(arena, n, struct str);
    for (size_t i = 0; i < n; i++) ids[i] = renewals[i].id;
    struct stmt *stmt = db_stmt(db, "SELECT i.kind, i.domain_id, d.name, COUNT(*), i.amount, i.from_ms, i.to_ms,"
                                    " i.renewal_id FROM renewal_items i JOIN domains d ON d.id = i.domain_id"
                                    " WHERE i.renewal_id IN (SELECT value FROM list($1)) AND i.is_charged = 1"
                                    " GROUP BY i.renewal_id, i.domain_id, d.name, i.kind, i.amount, i.from_ms, i.to_ms"
                                    " ORDER BY i.renewal_id DESC, i.domain_id, i.kind, i.amount");
    stmt_list(stmt, 1, ids, n);
    size_t at = 0;
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct invoice_line *line = rows_add(&rows, arena);
        line->line = (struct bill_line){
            .kind = (enum line_kind)row_word(stmt, 0, line_kind_names, LINE_KIND_END),
            .domain_id = row_text(stmt, 1, arena),
            .quantity = stmt_col_int(stmt, 3),
            .unit = stmt_col_int(stmt, 4),
            .amount = stmt_col_int(stmt, 3) * stmt_col_int(stmt, 4),
            .from_ms = stmt_col_int(stmt, 5),
            .to_ms = stmt_col_int(stmt, 6),
        };
        line->domain = row_text(stmt, 2, arena);
        while (at < n && !str_eq(renewals[at].id, stmt_col_text(stmt, 7))) at++;
        if (at < n) renewals[at].n_lines++;
    }
    if (step == DB_FAIL) return false;
    struct invoice_line *next = rows.first;
    for (size_t i = 0; i < n; i++) {
        renewals[i].lines = next;
        if (next) next += renewals[i].n_lines;
    }
    return true;
}

bool renewals_page(struct db *db, struct str workspace_id, struct str before, size_t limit, struct arena *arena,
                   struct renewal_row **ret, size_t *ret_n, struct error *reterr) {
    struct stmt *stmt = before.n ? db_stmt(db, RENEWAL_COLUMNS "WHERE r.workspace_id = $1 AND r.id < $3"
                                                               " ORDER BY r.id DESC LIMIT $2")
                                 : db_stmt(db, RENEWAL_COLUMNS "WHERE r.workspace_id = $1 ORDER BY r.id DESC LIMIT $2");
    stmt_text(stmt, 1, workspace_id);
    stmt_int(stmt, 2, (int64_t)limit);
    if (before.n) stmt_text(stmt, 3, before);
    return read_rows(stmt, arena, ret, ret_n, reterr) && (!*ret_n || read_lines(db, *ret, *ret_n, arena, reterr));
}

bool renewals_list(struct db *db, bool stuck, struct str before, size_t max, struct arena *arena,
                   struct renewal_row **ret, size_t *ret_n, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, RENEWAL_COLUMNS "WHERE ($1 = 0 OR (r.state IN " OPEN " AND (r.failures > 0 OR r.unanswered = 1)))"
                                    " AND r.id < $3 ORDER BY r.id DESC LIMIT $2");
    stmt_int(stmt, 1, stuck);
    stmt_int(stmt, 2, (int64_t)max);
    stmt_text(stmt, 3, rows_before(before));
    return read_rows(stmt, arena, ret, ret_n, reterr);
}

bool renewals_of_order(struct db *db, struct str order_id, struct arena *arena, struct renewal_row **ret, size_t *ret_n,
                       struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, RENEWAL_COLUMNS "WHERE r.state IN " OPEN " AND r.id IN (SELECT i.renewal_id FROM domains d"
                            " JOIN renewal_items i ON i.domain_id = d.id WHERE d.order_id = $1 AND i.account_id = ''"
                            " UNION SELECT i.renewal_id FROM accounts a JOIN renewal_items i"
                            " ON i.domain_id = a.domain_id AND i.account_id = a.id WHERE a.order_id = $1)"
                            " ORDER BY r.id DESC");
    stmt_text(stmt, 1, order_id);
    return read_rows(stmt, arena, ret, ret_n, reterr);
}

bool renewals_upcoming(struct db *db, struct str workspace_id, int64_t until_ms, struct arena *arena,
                       struct upcoming_day **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct upcoming_thing)};
    struct stmt *stmt = db_stmt(
        db, "SELECT 'mailbox_month', COUNT(*), month_price, renews_ms, 0 FROM accounts WHERE workspace_id = $1"
            " AND renews_ms > 0 GROUP BY month_price, renews_ms"
            " UNION ALL SELECT 'domain_month', COUNT(*), month_price, month_renews_ms, 0 FROM domains"
            " WHERE workspace_id = $1 AND month_renews_ms > 0 GROUP BY month_price, month_renews_ms"
            " UNION ALL SELECT 'domain_year', COUNT(*), year_price, year_renews_ms, MIN(created_ms) FROM domains"
            " WHERE workspace_id = $1 AND year_renews_ms > 0"
            " GROUP BY year_price, year_renews_ms, created_ms / 86400000"
            " UNION ALL SELECT i.kind, COUNT(*), i.amount, i.to_ms, MIN(d.created_ms) FROM renewals r"
            " JOIN renewal_items i ON i.renewal_id = r.id JOIN domains d ON d.id = i.domain_id"
            " LEFT JOIN accounts a ON a.id = i.account_id WHERE r.workspace_id = $1 AND r.state IN " OPEN
            " AND d.state NOT IN ('failed', 'cancelled') AND COALESCE(a.state, '') NOT IN ('failed', 'cancelled')"
            " GROUP BY i.kind, i.amount, i.to_ms, d.created_ms / 86400000");
    stmt_text(stmt, 1, workspace_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct upcoming_thing *)rows_add(&rows, arena) = (struct upcoming_thing){
            .kind = (enum line_kind)row_word(stmt, 0, line_kind_names, LINE_KIND_END),
            .quantity = stmt_col_int(stmt, 1),
            .unit = stmt_col_int(stmt, 2),
            .next_ms = stmt_col_int(stmt, 3),
            .first_ms = stmt_col_int(stmt, 4),
        };
    if (step == DB_FAIL) return false;
    upcoming_days(rows.first, rows.n, until_ms, arena, ret, ret_n);
    return true;
}
