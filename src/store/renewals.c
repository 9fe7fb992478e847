#include "store/renewals.h"

#include "core/calendar.h"
#include "store/renewals_inside.h"
#include "store/rows.h"

const char *const renewal_state_names[RENEWAL_STATE_END] = {
    [RENEWAL_DUE] = "due",
    [RENEWAL_CHARGING] = "charging",
    [RENEWAL_PAID] = "paid",
    [RENEWAL_SUSPENDED] = "suspended",
    [RENEWAL_CANCELLED] = "cancelled",
    [RENEWAL_VOID] = "void",
};

/* ---- the first day ---- */

/* When the order was made: the day that counts, however late its payment was known. */
static bool read_order_day(struct db *db, struct str order_id, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT created_ms FROM orders WHERE id = $1");
    stmt_text(stmt, 1, order_id);
    if (!row_find(stmt, reterr, "there is no order %.*s", STR_ARG(order_id))) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

bool renewal_begin(struct db *db, struct str order_id, struct error *reterr) {
    int64_t day = 0;
    if (!read_order_day(db, order_id, &day, reterr)) return false;
    /* What costs nothing a month has no renewal; a domain has to be renewed at its registrar at any price. */
    static const struct {
        const char *sql; /* $1 order, $2 day */
        bool is_yearly;
    } things[] = {
        {"UPDATE accounts SET renews_ms = $2 WHERE order_id = $1 AND renews_ms = 0 AND month_price > 0"
         " AND state NOT IN ('reserved', 'failed', 'cancelled') AND NOT" RENEWAL_RUNS_OUT(
             "accounts.domain_id") " AND NOT EXISTS (SELECT 1 FROM renewal_items i WHERE i.domain_id = "
                                   "accounts.domain_id"
                                   " AND i.account_id = accounts.id)",
         false},
        {"UPDATE domains SET month_renews_ms = $2 WHERE order_id = $1 AND month_renews_ms = 0 AND month_price > 0"
         " AND state NOT IN ('reserved', 'failed', 'cancelled')"
         " AND NOT EXISTS (SELECT 1 FROM renewal_items i WHERE i.domain_id = domains.id AND i.kind = 'domain_month')",
         false},
        {"UPDATE domains SET year_renews_ms = $2 WHERE order_id = $1 AND year_renews_ms = 0"
         " AND state NOT IN ('reserved', 'failed', 'cancelled')"
         " AND NOT EXISTS (SELECT 1 FROM renewal_items i WHERE i.domain_id = domains.id AND i.kind = 'domain_year')",
         true},
    };
    for (size_t i = 0; i < ARRAY_LEN(things); i++) {
        struct stmt *stmt = db_stmt(db, things[i].sql);
        stmt_text(stmt, 1, order_id);
        stmt_int(stmt, 2, things[i].is_yearly ? calendar_next_anniversary(day, day) : calendar_first_15th(day));
        if (!stmt_run(stmt, NULL, reterr)) return false;
    }
    return true;
}

/* ---- collecting ---- */

bool renewal_first_group(struct db *db, struct renewal_group *ret, struct error *reterr) {
    /* Each is answered by the first entry of its index. */
    static const char *const firsts[] = {
        "SELECT renews_ms, workspace_id FROM accounts WHERE renews_ms > 0 ORDER BY renews_ms, workspace_id LIMIT 1",
        "SELECT month_renews_ms, workspace_id FROM domains WHERE month_renews_ms > 0"
        " ORDER BY month_renews_ms, workspace_id LIMIT 1",
        "SELECT year_renews_ms, workspace_id FROM domains WHERE year_renews_ms > 0"
        " ORDER BY year_renews_ms, workspace_id LIMIT 1",
    };
    *ret = (struct renewal_group){.day_ms = INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(firsts); i++) {
        struct stmt *stmt = db_stmt(db, firsts[i]);
        enum db_step step = stmt_step(stmt, reterr);
        if (step == DB_FAIL) return false;
        if (step == DB_ROW && stmt_col_int(stmt, 0) < ret->day_ms) {
            ret->day_ms = stmt_col_int(stmt, 0);
            row_uuid(stmt, 1, ret->workspace_id);
        }
        stmt_done(stmt);
    }
    return true;
}

static bool insert_renewal(struct db *db, const struct renewal_group *group, const char *id, int64_t now_ms,
                           struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "INSERT INTO renewals (id, workspace_id, day_ms, part, state, amount, failures, stage, next_ms, attempts,"
            " due_ms, payment_id, payment_ms, unanswered, payment_driver, card_token, card_brand, card_last4, reason,"
            " created_ms) SELECT $1, $2, $3, COALESCE(MAX(part) + 1, 0), 'due', 0, 0, 0, $4, 0, $4, '', 0, 0, '', '',"
            " '', '', '', $4 FROM renewals WHERE workspace_id = $2 AND day_ms = $3");
    stmt_text(stmt, 1, str_of(id));
    stmt_text(stmt, 2, str_of(group->workspace_id));
    stmt_int(stmt, 3, group->day_ms);
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

#define INSERT_ITEMS                                                                                                   \
    "INSERT INTO renewal_items (renewal_id, kind, domain_id, account_id, amount, from_ms, to_ms, is_charged) "

/* What is due each month; its next day is the same for all. */
static bool take_months(struct db *db, const struct renewal_group *group, const char *id, struct error *reterr) {
    static const char *const sql[] = {
        (INSERT_ITEMS "SELECT $3, 'mailbox_month', domain_id, id, month_price, $2, $4, 1 FROM accounts"
                      " WHERE renews_ms = $2 AND workspace_id = $1 AND renews_ms > 0"),
        "UPDATE accounts SET renews_ms = 0 WHERE renews_ms = $2 AND workspace_id = $1 AND renews_ms > 0",
        (INSERT_ITEMS "SELECT $3, 'domain_month', id, '', month_price, $2, $4, 1 FROM domains"
                      " WHERE month_renews_ms = $2 AND workspace_id = $1 AND month_renews_ms > 0"),
        ("UPDATE domains SET month_renews_ms = 0 WHERE month_renews_ms = $2 AND workspace_id = $1"
         " AND month_renews_ms > 0"),
    };
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        struct stmt *stmt = db_stmt(db, sql[i]);
        stmt_text(stmt, 1, str_of(group->workspace_id));
        stmt_int(stmt, 2, group->day_ms);
        if (i % 2 == 0) stmt_text(stmt, 3, str_of(id));
        if (i % 2 == 0) stmt_int(stmt, 4, calendar_next_15th(group->day_ms));
        if (!stmt_run(stmt, NULL, reterr)) return false;
    }
    return true;
}

struct yearly {
    struct str id;
    int64_t price, first_ms;
};

/* Each domain has its own next day: counted from its first. */
static bool take_years(struct db *db, const struct renewal_group *group, const char *id, struct arena *arena,
                       struct error *reterr) {
    struct rows rows = {.size = sizeof(struct yearly)};
    struct stmt *stmt = db_stmt(db, "SELECT id, year_price, created_ms FROM domains"
                                    " WHERE year_renews_ms = $2 AND workspace_id = $1 AND year_renews_ms > 0");
    stmt_text(stmt, 1, str_of(group->workspace_id));
    stmt_int(stmt, 2, group->day_ms);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct yearly *)rows_add(&rows, arena) = (struct yearly){
            .id = row_text(stmt, 0, arena), .price = stmt_col_int(stmt, 1), .first_ms = stmt_col_int(stmt, 2)};
    if (step == DB_FAIL) return false;
    const struct yearly *all = rows.first;
    for (size_t i = 0; i < rows.n; i++) {
        stmt = db_stmt(db, INSERT_ITEMS "VALUES ($1, 'domain_year', $2, '', $3, $4, $5, 1)");
        stmt_text(stmt, 1, str_of(id));
        stmt_text(stmt, 2, all[i].id);
        stmt_int(stmt, 3, all[i].price);
        stmt_int(stmt, 4, group->day_ms);
        stmt_int(stmt, 5, calendar_next_anniversary(all[i].first_ms, group->day_ms));
        if (!stmt_run(stmt, NULL, reterr)) return false;
    }
    stmt = db_stmt(db, "UPDATE domains SET year_renews_ms = 0 WHERE year_renews_ms = $2 AND workspace_id = $1"
                       " AND year_renews_ms > 0");
    stmt_text(stmt, 1, str_of(group->workspace_id));
    stmt_int(stmt, 2, group->day_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* Whether it still is to be collected. */
static bool waits(struct db *db, const struct renewal_group *group, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "SELECT 1 FROM accounts WHERE renews_ms = $2 AND workspace_id = $1 AND renews_ms > 0"
            " UNION ALL SELECT 1 FROM domains WHERE month_renews_ms = $2 AND workspace_id = $1 AND month_renews_ms > 0"
            " UNION ALL SELECT 1 FROM domains WHERE year_renews_ms = $2 AND workspace_id = $1 AND year_renews_ms > 0"
            " LIMIT 1");
    stmt_text(stmt, 1, str_of(group->workspace_id));
    stmt_int(stmt, 2, group->day_ms);
    enum db_step step = stmt_step(stmt, reterr);
    stmt_done(stmt);
    *ret = step == DB_ROW;
    return step != DB_FAIL;
}

bool renewal_collect(struct db *db, struct ids *ids, const struct renewal_group *group, int64_t now_ms,
                     struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    bool any;
    if (!waits(db, group, &any, reterr)) return false;
    if (!any) return true;
    char id[UUID_TEXT];
    ids_uuid(ids, id);
    return insert_renewal(db, group, id, now_ms, reterr) && take_months(db, group, id, reterr) &&
           take_years(db, group, id, arena, reterr) &&
           rows_change(db,
                       "UPDATE renewals SET amount = (SELECT SUM(amount) FROM renewal_items WHERE renewal_id = $1)"
                       " WHERE id = $1",
                       str_of(id), reterr);
}

/* ---- times ---- */

bool renewal_next_due(struct db *db, int64_t *ret_ms, struct error *reterr) {
    struct renewal_group group;
    if (!renewal_first_group(db, &group, reterr)) return false;
    struct stmt *stmt = db_stmt(db, "SELECT due_ms FROM renewals WHERE state IN ('due', 'charging', 'suspended')"
                                    " ORDER BY due_ms LIMIT 1");
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    int64_t due = step == DB_ROW ? stmt_col_int(stmt, 0) : INT64_MAX;
    stmt_done(stmt);
    *ret_ms = due < group.day_ms ? due : group.day_ms;
    return true;
}

bool renewal_free_all(struct db *db, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE renewals SET due_ms = $1 WHERE state = 'charging'"
                    /* claimed, but not begun: nothing else is due later than its schedule says */
                    " OR ((state = 'due' OR state = 'suspended') AND due_ms > next_ms AND due_ms > $1)");
    stmt_int(stmt, 1, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool renewal_retry(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT state FROM renewals WHERE id = $1");
    stmt_text(stmt, 1, id);
    if (!row_find(stmt, reterr, "there is no renewal %.*s", STR_ARG(id))) return false;
    enum renewal_state state = (enum renewal_state)row_word(stmt, 0, renewal_state_names, RENEWAL_STATE_END);
    stmt_done(stmt);
    if (state == RENEWAL_CHARGING)
        return error_set(reterr, ERR_CONFLICT, "a charge of renewal %.*s is under way; see `dfyd renewal list --stuck`",
                         STR_ARG(id));
    if (state != RENEWAL_DUE && state != RENEWAL_SUSPENDED)
        return error_set(reterr, ERR_CONFLICT, "renewal %.*s has ended: it is %s", STR_ARG(id),
                         renewal_state_names[state]);
    stmt = db_stmt(db, "UPDATE renewals SET due_ms = $2 WHERE id = $1 AND due_ms > $2");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, now_ms);
    return stmt_run(stmt, NULL, reterr);
}
