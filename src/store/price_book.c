#include "store/price_book.h"

#include <string.h>

#include "base/clock.h"
#include "store/rows.h"

#define NEWEST_STARTED                                                                                                 \
    "(SELECT version FROM price_versions WHERE starts_ms <= $1 ORDER BY starts_ms DESC, version DESC LIMIT 1)"

static bool read_state(struct db *db, int64_t now_ms, int64_t *ret_version, int64_t *ret_until_ms,
                       struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COALESCE(" NEWEST_STARTED ", 0),"
                                    " (SELECT MIN(starts_ms) FROM price_versions WHERE starts_ms > $1)");
    stmt_int(stmt, 1, now_ms);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret_version = stmt_col_int(stmt, 0);
    *ret_until_ms = stmt_col_is_null(stmt, 1) ? INT64_MAX : stmt_col_int(stmt, 1);
    stmt_done(stmt);
    return true;
}

bool price_book_version(struct db *db, int64_t now_ms, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COALESCE(" NEWEST_STARTED ", 0)");
    stmt_int(stmt, 1, now_ms);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

/* A row of workspace_id, price, amount. A price that this program does not know is another program's. */
static void take_row(struct stmt *stmt, struct price_settings *settings) {
    enum price price = price_by_name(stmt_col_text(stmt, 1));
    if (price == PRICE_END) return;
    struct price_setting *all = stmt_col_text(stmt, 0).n ? settings->workspace : settings->everyone;
    all[price] = (struct price_setting){.is_set = !stmt_col_is_null(stmt, 2), .amount = stmt_col_int(stmt, 2)};
}

bool price_book_get(struct db *db, struct str workspace_id, int64_t now_ms, struct prices *ret, int64_t *ret_until_ms,
                    struct error *reterr) {
    int64_t version, until_ms;
    if (!read_state(db, now_ms, &version, &until_ms, reterr)) return false;
    struct price_settings settings = {0};
    if (version) {
        struct stmt *stmt = db_stmt(db, "SELECT workspace_id, price, amount FROM price_versions"
                                        " WHERE workspace_id IN ('', $1) AND starts_ms <= $2"
                                        " ORDER BY workspace_id, starts_ms, version");
        stmt_text(stmt, 1, workspace_id);
        stmt_int(stmt, 2, now_ms);
        enum db_step step;
        while ((step = stmt_step(stmt, reterr)) == DB_ROW) take_row(stmt, &settings);
        if (step == DB_FAIL) return false;
    }
    *ret = prices_resolve(&settings);
    ret->version = version;
    *ret_until_ms = until_ms;
    return true;
}

/* Whether the price is set for the change's workspace when it starts. */
static bool is_set_before(struct db *db, const struct price_change *change, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT amount FROM price_versions WHERE workspace_id = $1 AND price = $2"
                                    " AND starts_ms <= $3 ORDER BY starts_ms DESC, version DESC LIMIT 1");
    stmt_text(stmt, 1, change->workspace_id);
    stmt_text(stmt, 2, str_of(price_rows[change->price].name));
    stmt_int(stmt, 3, change->starts_ms);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret = step == DB_ROW && !stmt_col_is_null(stmt, 0);
    stmt_done(stmt);
    return true;
}

bool price_book_change(struct db *db, const struct price_change *change, struct error *reterr) {
    if (change->is_set && (change->amount < 0 || change->amount > CENTS_MAX))
        return error_set(reterr, ERR_INVALID, "a price lies between 0 and %lld cents", (long long)CENTS_MAX);
    if (change->starts_ms < change->now_ms) {
        char starts[TIME_TEXT];
        time_format(change->starts_ms, starts);
        return error_set(reterr, ERR_INVALID, "%s is past: orders were priced since; prices start now or later",
                         starts);
    }
    bool was_set = false;
    if (!change->is_set) {
        if (!is_set_before(db, change, &was_set, reterr)) return false;
        if (!was_set) return true;
    }
    struct stmt *stmt = db_stmt(db, "INSERT INTO price_versions (workspace_id, price, amount, starts_ms, created_ms)"
                                    " VALUES ($1, $2, $3, $4, $5)");
    stmt_text(stmt, 1, change->workspace_id);
    stmt_text(stmt, 2, str_of(price_rows[change->price].name));
    if (change->is_set)
        stmt_int(stmt, 3, change->amount);
    else
        stmt_null(stmt, 3);
    stmt_int(stmt, 4, change->starts_ms);
    stmt_int(stmt, 5, change->now_ms);
    db_touch_identities(db);
    return stmt_run(stmt, NULL, reterr);
}

bool price_book_history(struct db *db, bool all, struct str workspace_id, size_t max, struct arena *arena,
                        struct price_version **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct price_version)};
    struct stmt *stmt = db_stmt(db, "SELECT version, workspace_id, price, amount, starts_ms, created_ms"
                                    " FROM price_versions WHERE $1 = 1 OR workspace_id IN ('', $2)"
                                    " ORDER BY starts_ms DESC, version DESC LIMIT $3");
    stmt_int(stmt, 1, all);
    stmt_text(stmt, 2, workspace_id);
    stmt_int(stmt, 3, (int64_t)max);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct price_version *row = rows_add(&rows, arena);
        *row = (struct price_version){
            .version = stmt_col_int(stmt, 0),
            .workspace_id = row_text(stmt, 1, arena),
            .price = row_text(stmt, 2, arena),
            .is_set = !stmt_col_is_null(stmt, 3),
            .amount = stmt_col_int(stmt, 3),
            .starts_ms = stmt_col_int(stmt, 4),
            .created_ms = stmt_col_int(stmt, 5),
        };
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

/* What SETTINGS say from STARTS_MS on, unless that is what was to be paid before: LAST, which moves along. */
static void add_plan(struct rows *plans, struct arena *arena, const struct price_settings *settings, int64_t starts_ms,
                     int64_t version, struct prices *last) {
    struct prices prices = prices_resolve(settings);
    if (memcmp(prices.of, last->of, sizeof prices.of) == 0) return;
    prices.version = version;
    *last = prices;
    *(struct price_plan *)rows_add(plans, arena) = (struct price_plan){.starts_ms = starts_ms, .prices = prices};
}

bool price_book_plans(struct db *db, struct str workspace_id, int64_t now_ms, struct arena *arena,
                      struct price_plan **ret, size_t *ret_n, struct error *reterr) {
    struct rows plans = {.size = sizeof(struct price_plan)};
    struct price_settings settings = {0};
    struct prices last = {0};
    bool is_past = true; /* all rows so far have started */
    int64_t starts_ms = 0, version = 0;
    struct stmt *stmt = db_stmt(db, "SELECT workspace_id, price, amount, starts_ms, version FROM price_versions"
                                    " WHERE workspace_id IN ('', $1) ORDER BY starts_ms, version");
    stmt_text(stmt, 1, workspace_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        int64_t next_ms = stmt_col_int(stmt, 3);
        if (next_ms > now_ms && is_past) {
            last = prices_resolve(&settings);
            is_past = false;
        } else if (next_ms > now_ms && next_ms != starts_ms) {
            add_plan(&plans, arena, &settings, starts_ms, version, &last);
        }
        starts_ms = next_ms;
        version = stmt_col_int(stmt, 4);
        take_row(stmt, &settings);
    }
    if (step == DB_FAIL) return false;
    if (!is_past) add_plan(&plans, arena, &settings, starts_ms, version, &last);
    *ret = plans.first;
    *ret_n = plans.n;
    return true;
}
