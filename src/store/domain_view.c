#include "store/domain_view.h"

#include "store/rows.h"

#define OPEN "(s.state = 'due' OR s.state = 'retrying' OR s.state = 'running')"

#define VIEW_COLUMNS                                                                                                   \
    "SELECT d.id, d.name, d.workspace_id, d.order_id, d.forwarding, d.forwarding_mode, d.provider, d.state,"           \
    " d.is_pre_warmed, d.created_ms, d.cancelled_ms, c.domain_id IS NOT NULL, COALESCE(c.due_ms, 0),"                  \
    " COALESCE(c.dkim_rotation, 0), COALESCE(c.dkim_phase, 'sole'), COALESCE(c.dkim_since_ms, 0),"                     \
    " COALESCE(c.dkim_again_ms, 0), COALESCE(c.dkim_tries, 0), COALESCE(c.dkim_reason, ''),"                           \
    " COALESCE(c.checked_ms, 0), COALESCE(c.check_again_ms, 0), COALESCE(c.unclear_since_ms, 0),"                      \
    " COALESCE(c.unclear_reason, ''), c.findings,"                                                                     \
    " (SELECT COUNT(*) FROM accounts a WHERE a.domain_id = d.id AND a.state = 'ready'),"                               \
    " COALESCE((SELECT s.reason FROM steps s WHERE s.domain_id = d.id AND s.reason <> '' AND s.state <> 'skipped'"     \
    " ORDER BY s.rank, s.account_id, s.kind LIMIT 1), ''),"                                                            \
    " COALESCE((SELECT MIN(s.due_ms) FROM steps s WHERE s.domain_id = d.id AND " OPEN                                  \
    "), 0), COALESCE(c.is_leased, 0)"                                                                                  \
    " FROM domains d LEFT JOIN domain_care c ON c.domain_id = d.id "

static void read_row(struct stmt *stmt, struct arena *arena, struct viewed_care *ret) {
    *ret = (struct viewed_care){
        .care =
            {
                .domain_id = row_text(stmt, 0, arena),
                .domain = row_text(stmt, 1, arena),
                .workspace_id = row_text(stmt, 2, arena),
                .order_id = row_text(stmt, 3, arena),
                .forwarding = row_text(stmt, 4, arena),
                .mode = (enum forwarding_mode)row_word(stmt, 5, forwarding_mode_names, FORWARDING_MODE_END),
                .provider = (enum provider)stmt_col_int(stmt, 6),
                .state = (enum domain_state)row_word(stmt, 7, domain_state_names, DOMAIN_STATE_END),
                .due_ms = stmt_col_int(stmt, 12),
                .key =
                    {
                        .rotation = stmt_col_int(stmt, 13),
                        .phase = (enum dkim_phase)row_word(stmt, 14, dkim_phase_names, DKIM_PHASE_END),
                        .since_ms = stmt_col_int(stmt, 15),
                        .again_ms = stmt_col_int(stmt, 16),
                        .tries = stmt_col_int(stmt, 17),
                        .reason = row_text(stmt, 18, arena),
                    },
                .check =
                    {
                        .checked_ms = stmt_col_int(stmt, 19),
                        .again_ms = stmt_col_int(stmt, 20),
                        .unclear_since_ms = stmt_col_int(stmt, 21),
                        .unclear_reason = row_text(stmt, 22, arena),
                        .is_checked = !stmt_col_is_null(stmt, 23),
                        .findings = row_text(stmt, 23, arena),
                    },
                .is_leased = stmt_col_int(stmt, 27) != 0,
            },
        .is_pre_warmed = stmt_col_int(stmt, 8) != 0,
        .created_ms = stmt_col_int(stmt, 9),
        .cancelled_ms = stmt_col_int(stmt, 10),
        .has_care = stmt_col_int(stmt, 11) != 0,
        .n_mailboxes = stmt_col_int(stmt, 24),
        .reason = row_text(stmt, 25, arena),
        .next_step_ms = stmt_col_int(stmt, 26),
    };
}

bool domain_list(struct db *db, bool stuck, size_t max, struct arena *arena, struct viewed_care **ret, size_t *ret_n,
                 struct error *reterr) {
    struct rows rows = {.size = sizeof(struct viewed_care)};
    struct stmt *stmt =
        db_stmt(db, VIEW_COLUMNS "WHERE d.state <> 'reserved' AND ($1 = 0 OR c.findings <> '' OR c.dkim_reason <> ''"
                                 " OR EXISTS (SELECT 1 FROM steps s WHERE s.domain_id = d.id AND s.state = 'retrying'))"
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
    struct stmt *stmt = db_stmt(
        db, VIEW_COLUMNS "WHERE d.name = $1 AND d.state <> 'reserved' ORDER BY d.active DESC, d.id DESC LIMIT 1");
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
