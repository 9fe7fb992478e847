#include "store/search_inside.h"

#include "store/rows.h"

/* The parameters that all texts below have. */
static void bind(struct stmt *stmt, const struct search *search) {
    stmt_text(stmt, 1, search->workspace_id);
    stmt_text(stmt, 2, rows_before(search->before));
    stmt_int(stmt, 3, (int64_t)search->limit);
    stmt_text(stmt, 4, search->state);
}

/* ---- domains ---- */

void found_domain_read(struct stmt *stmt, struct arena *arena, struct found_domain *ret) {
    *ret = (struct found_domain){
        .id = row_text(stmt, 0, arena),
        .name = row_text(stmt, 1, arena),
        .order_id = row_text(stmt, 2, arena),
        .forwarding = row_text(stmt, 3, arena),
        .mode = (enum forwarding_mode)row_word(stmt, 4, forwarding_mode_names, FORWARDING_MODE_END),
        .provider = (enum provider)stmt_col_int(stmt, 5),
        .state = (enum domain_state)row_word(stmt, 6, domain_state_names, DOMAIN_STATE_END),
        .is_pre_warmed = stmt_col_int(stmt, 7) != 0,
        .has_drifted = stmt_col_int(stmt, 8) != 0,
        .n_mailboxes = stmt_col_int(stmt, 9),
        .created_ms = stmt_col_int(stmt, 10),
        .year_renews_ms = stmt_col_int(stmt, 11),
        .month_renews_ms = stmt_col_int(stmt, 12),
        .cancelled_ms = stmt_col_int(stmt, 13),
    };
}

/* What is counted is counted for the rows of the page alone. */
bool search_domains(struct db *db, const struct search *search, struct arena *arena, struct found_domain **ret,
                    size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct found_domain)};
    struct stmt *stmt =
        db_stmt(db, FOUND_DOMAIN " FROM (SELECT * FROM domains WHERE workspace_id = $1 AND id < $2"
                                 " AND state <> 'reserved' AND ($4 = '' OR state = $4)"
                                 " AND ($5 = '' OR name LIKE $5 ESCAPE '\\') AND ($6 = 0 OR CASE WHEN EXISTS (SELECT 1"
                                 " FROM domain_care c WHERE c.domain_id = domains.id AND c.findings <> '')"
                                 " THEN 1 ELSE 2 END = $6) ORDER BY id DESC LIMIT $3) AS d"
                                 " ORDER BY d.id DESC");
    bind(stmt, search);
    stmt_text(stmt, 5, row_like(search->text, arena));
    stmt_int(stmt, 6, search->drift);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) found_domain_read(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

/* ---- mailboxes ---- */

bool found_mailboxes_read(struct stmt *stmt, struct arena *arena, struct found_mailbox **ret, size_t *ret_n,
                          struct error *reterr) {
    struct rows rows = {.size = sizeof(struct found_mailbox)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct found_mailbox *)rows_add(&rows, arena) = (struct found_mailbox){
            .id = row_text(stmt, 0, arena),
            .email = row_text(stmt, 1, arena),
            .first_name = row_text(stmt, 2, arena),
            .last_name = row_text(stmt, 3, arena),
            .domain = row_text(stmt, 4, arena),
            .reason = row_text(stmt, 5, arena),
            .provider = (enum provider)stmt_col_int(stmt, 6),
            .state = (enum account_state)row_word(stmt, 7, account_state_names, ACCOUNT_STATE_END),
            .is_suspended = stmt_col_int(stmt, 8) != 0,
            .is_pre_warmed = stmt_col_int(stmt, 9) != 0,
            .created_ms = stmt_col_int(stmt, 10),
            .renews_ms = stmt_col_int(stmt, 11),
            .cancelled_ms = stmt_col_int(stmt, 12),
        };
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

#define MAILBOXES_WANTED                                                                                               \
    " AND b.state <> 'reserved' AND ($4 = '' OR b.state = $4) AND ($5 = '' OR b.email LIKE $5 ESCAPE '\\'"             \
    " OR LOWER(b.first_name || ' ' || b.last_name) LIKE $5 ESCAPE '\\') ORDER BY b.id DESC LIMIT $3) AS a"             \
    " JOIN domains d ON d.id = a.domain_id ORDER BY a.id DESC"

bool search_mailboxes(struct db *db, const struct search *search, struct arena *arena, struct found_mailbox **ret,
                      size_t *ret_n, struct error *reterr) {
    /* CROSS JOIN: a domain's few mailboxes, not all of the workspace until a page is full. */
    struct stmt *stmt = search->domain.n
                            ? db_stmt(db, FOUND_MAILBOX " FROM (SELECT b.* FROM domains f CROSS JOIN accounts b"
                                                        " WHERE f.name = $6 AND f.workspace_id = $1"
                                                        " AND b.domain_id = f.id AND b.id < $2" MAILBOXES_WANTED)
                            : db_stmt(db, FOUND_MAILBOX " FROM (SELECT b.* FROM accounts b WHERE b.workspace_id = $1"
                                                        " AND b.id < $2" MAILBOXES_WANTED);
    bind(stmt, search);
    stmt_text(stmt, 5, row_like(search->text, arena));
    if (search->domain.n) stmt_text(stmt, 6, search->domain);
    return found_mailboxes_read(stmt, arena, ret, ret_n, reterr);
}
