#include "store/lists.h"

#include "store/rows.h"

bool domain_page(struct db *db, struct str workspace_id, struct str before, size_t limit, struct arena *arena,
                 struct domain_row **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct domain_row)};
    struct stmt *stmt =
        db_stmt(db, "SELECT id, name, forwarding, is_pre_warmed, state, created_ms, cancelled_ms, forwarding_mode"
                    " FROM domains"
                    " WHERE workspace_id = $1 AND id < $2 AND state <> 'reserved' ORDER BY id DESC LIMIT $3");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, rows_before(before));
    stmt_int(stmt, 3, (int64_t)limit);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct domain_row *row = rows_add(&rows, arena);
        *row = (struct domain_row){
            .id = row_text(stmt, 0, arena),
            .name = row_text(stmt, 1, arena),
            .forwarding = row_text(stmt, 2, arena),
            .is_pre_warmed = stmt_col_int(stmt, 3) != 0,
            .state = (enum domain_state)row_word(stmt, 4, domain_state_names, DOMAIN_STATE_END),
            .created_ms = stmt_col_int(stmt, 5),
            .cancelled_ms = stmt_col_int(stmt, 6),
            .mode = (enum forwarding_mode)row_word(stmt, 7, forwarding_mode_names, FORWARDING_MODE_END),
        };
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

struct account_row account_row_read(struct stmt *stmt, struct arena *arena) {
    return (struct account_row){
        .id = row_text(stmt, 0, arena),
        .domain = row_text(stmt, 1, arena),
        .email = row_text(stmt, 2, arena),
        .first_name = row_text(stmt, 3, arena),
        .last_name = row_text(stmt, 4, arena),
        .sealed_password = row_text(stmt, 5, arena),
        .provider = (enum provider)stmt_col_int(stmt, 6),
        .state = (enum account_state)row_word(stmt, 7, account_state_names, ACCOUNT_STATE_END),
        .is_pre_warmed = stmt_col_int(stmt, 8) != 0,
        .created_ms = stmt_col_int(stmt, 9),
        .cancelled_ms = stmt_col_int(stmt, 10),
        .reason = row_text(stmt, 11, arena),
    };
}

bool account_page(struct db *db, struct str workspace_id, struct str before, size_t limit, struct arena *arena,
                  struct account_row **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct account_row)};
    struct stmt *stmt = db_stmt(db, ACCOUNT_COLUMNS "WHERE a.workspace_id = $1 AND a.id < $2 AND a.state <> 'reserved'"
                                                    " ORDER BY a.id DESC LIMIT $3");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, rows_before(before));
    stmt_int(stmt, 3, (int64_t)limit);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct account_row *)rows_add(&rows, arena) = account_row_read(stmt, arena);
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool account_find(struct db *db, struct str workspace_id, struct str email, struct arena *arena,
                  struct account_row *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, ACCOUNT_COLUMNS "WHERE a.email = $1 AND a.workspace_id = $2"
                                                    " AND a.state <> 'reserved' ORDER BY a.active DESC, a.id DESC"
                                                    " LIMIT 1");
    stmt_text(stmt, 1, email);
    stmt_text(stmt, 2, workspace_id);
    if (!row_find(stmt, reterr, "there is no mailbox %.*s", STR_ARG(email))) return false;
    *ret = account_row_read(stmt, arena);
    stmt_done(stmt);
    return true;
}
