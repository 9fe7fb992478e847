#include "store/domain_view.h"

#include "store/care_inside.h"
#include "store/rows.h"

#define OPEN "(s.state = 'due' OR s.state = 'retrying' OR s.state = 'running')"

#define VIEW                                                                                                           \
    "SELECT " CARE_COLUMNS ", d.is_pre_warmed, d.created_ms, d.cancelled_ms, c.domain_id IS NOT NULL,"                 \
    " (SELECT COUNT(*) FROM accounts a WHERE a.domain_id = d.id AND a.state = 'ready'),"                               \
    " COALESCE((SELECT s.reason FROM steps s WHERE s.domain_id = d.id AND s.reason <> '' AND s.state <> 'skipped'"     \
    " ORDER BY s.rank, s.account_id, s.kind LIMIT 1), ''),"                                                            \
    " COALESCE((SELECT MIN(s.due_ms) FROM steps s WHERE s.domain_id = d.id AND " OPEN                                  \
    "), 0) FROM domains d LEFT JOIN domain_care c ON c.domain_id = d.id "

static void read_row(struct stmt *stmt, struct arena *arena, struct viewed_care *ret) {
    enum { N = CARE_N_COLUMNS };
    *ret = (struct viewed_care){
        .is_pre_warmed = stmt_col_int(stmt, N) != 0,
        .created_ms = stmt_col_int(stmt, N + 1),
        .cancelled_ms = stmt_col_int(stmt, N + 2),
        .has_care = stmt_col_int(stmt, N + 3) != 0,
        .n_mailboxes = stmt_col_int(stmt, N + 4),
        .reason = row_text(stmt, N + 5, arena),
        .next_step_ms = stmt_col_int(stmt, N + 6),
    };
    care_read_row(stmt, arena, &ret->care);
}

bool domain_list(struct db *db, bool stuck, size_t max, struct arena *arena, struct viewed_care **ret, size_t *ret_n,
                 struct error *reterr) {
    struct rows rows = {.size = sizeof(struct viewed_care)};
    struct stmt *stmt =
        db_stmt(db, VIEW "WHERE d.state <> 'reserved' AND ($1 = 0 OR c.findings <> '' OR c.dkim_reason <> ''"
                         " OR EXISTS (SELECT 1 FROM steps s WHERE s.domain_id = d.id AND"
                         " (s.state = 'retrying' OR (s.state = 'running' AND s.reason <> ''))))"
                         " ORDER BY d.id DESC LIMIT $2");
    stmt_int(stmt, 1, stuck);
    stmt_int(stmt, 2, (int64_t)max);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool domain_find(struct db *db, struct str name, struct arena *arena, struct viewed_care *ret, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, VIEW "WHERE d.name = $1 AND d.state <> 'reserved' ORDER BY d.active DESC, d.id DESC LIMIT 1");
    stmt_text(stmt, 1, name);
    if (!row_find(stmt, reterr, "there is no domain %.*s; `dfyd domain list` shows them", STR_ARG(name))) return false;
    read_row(stmt, arena, ret);
    stmt_done(stmt);
    return true;
}

bool domain_steps(struct db *db, struct str domain_id, struct arena *arena, struct domain_steps *ret,
                  struct error *reterr) {
    struct rows rows = {.size = sizeof(struct account_row)};
    struct stmt *stmt =
        db_stmt(db, ACCOUNT_COLUMNS "WHERE a.domain_id = $1 AND a.state <> 'reserved' ORDER BY a.id DESC");
    stmt_text(stmt, 1, domain_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct account_row *)rows_add(&rows, arena) = account_row_read(stmt, arena);
    if (step == DB_FAIL) return false;
    *ret = (struct domain_steps){.accounts = rows.first, .n_accounts = rows.n};
    return step_list_open(db, domain_id, arena, &ret->steps, &ret->n, reterr);
}
