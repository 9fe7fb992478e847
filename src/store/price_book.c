#include "store/price_book.h"

#include <string.h>

#include "base/clock.h"
#include "store/rows.h"

#define NEWEST_STARTED                                                                                                 \
    "(SELECT version FROM price_versions WHERE starts_ms <= $1 ORDER BY starts_ms DESC, version DESC LIMIT 1)"

static bool read_state(struct stmt *asked, int64_t *ret_version, int64_t *ret_until_ms, struct error *reterr) {
    if (stmt_step(asked, reterr) != DB_ROW) return false;
    *ret_version = stmt_col_int(asked, 0);
    *ret_until_ms = stmt_col_is_null(asked, 1) ? INT64_MAX : stmt_col_int(asked, 1);
    stmt_done(asked);
    return true;
}

bool price_book_ask_version(struct db *db, int64_t now_ms, struct stmt **ret, struct error *reterr) {
    *ret = db_stmt(db, "SELECT COALESCE(" NEWEST_STARTED ", 0)");
    stmt_int(*ret, 1, now_ms);
    return stmt_ask(*ret, reterr);
}

bool price_book_version(struct stmt *asked, int64_t *ret, struct error *reterr) {
    if (stmt_step(asked, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(asked, 0);
    stmt_done(asked);
    return true;
}

/* A row of workspace_id, price, amount. A price that this program does not know is another program's. */
static void take_row(struct stmt *stmt, struct price_settings *settings) {
    enum price price = price_by_name(stmt_col_text(stmt, 1));
    if (price == PRICE_END) return;
    struct price_setting *all = stmt_col_text(stmt, 0).n ? settings->workspace : settings->everyone;
    all[price] = (struct price_setting){.is_set = !stmt_col_is_null(stmt, 2), .amount = stmt_col_int(stmt, 2)};
}

bool price_book_ask(struct db *db, struct str workspace_id, int64_t now_ms, struct price_asked *ret,
                    struct error *reterr) {
    ret->state = db_stmt(db, "SELECT COALESCE(" NEWEST_STARTED ", 0),"
                             " (SELECT MIN(starts_ms) FROM price_versions WHERE starts_ms > $1)");
    stmt_int(ret->state, 1, now_ms);
    ret->rows = db_stmt(db, "SELECT workspace_id, price, amount FROM price_versions"
                            " WHERE workspace_id IN ('', $1) AND starts_ms <= $2"
                            " ORDER BY workspace_id, starts_ms, version");
    stmt_text(ret->rows, 1, workspace_id);
    stmt_int(ret->rows, 2, now_ms);
    return stmt_ask(ret->state, reterr) && stmt_ask(ret->rows, reterr);
}

bool price_book_read(const struct price_asked *asked, struct prices *ret, int64_t *ret_until_ms, struct error *reterr) {
    int64_t version, until_ms;
    if (!read_state(asked->state, &version, &until_ms, reterr)) return false;
    struct price_settings settings = {0};
    if (version) {
        enum db_step step;
        while ((step = stmt_step(asked->rows, reterr)) == DB_ROW) take_row(asked->rows, &settings);
        if (step == DB_FAIL) return false;
    }
    *ret = prices_resolve(&settings);
    ret->version = version;
    *ret_until_ms = until_ms;
    return true;
}

bool price_book_get(struct db *db, struct str workspace_id, int64_t now_ms, struct prices *ret, int64_t *ret_until_ms,
                    struct error *reterr) {
    struct price_asked asked;
    return price_book_ask(db, workspace_id, now_ms, &asked, reterr) &&
           price_book_read(&asked, ret, ret_until_ms, reterr);
}

/* The version that holds for PRICE of WORKSPACE_ID at AT_MS, 0: none; and whether it sets a price. */
static bool find_holding(struct db *db, struct str workspace_id, struct str price, int64_t at_ms, int64_t *ret_version,
                         bool *ret_is_set, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT version, amount FROM price_versions WHERE workspace_id = $1 AND price = $2"
                                    " AND starts_ms <= $3 ORDER BY starts_ms DESC, version DESC LIMIT 1");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, price);
    stmt_int(stmt, 3, at_ms);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret_version = step == DB_ROW ? stmt_col_int(stmt, 0) : 0;
    *ret_is_set = step == DB_ROW && !stmt_col_is_null(stmt, 1);
    stmt_done(stmt);
    return true;
}

bool price_book_change(struct db *db, const struct price_change *change, struct price_changed *ret,
                       struct error *reterr) {
    *ret = (struct price_changed){0};
    struct str price = str_of(price_rows[change->price].name);
    if (change->is_set && (change->amount < 0 || change->amount > CENTS_MAX))
        return error_set(reterr, ERR_INVALID, "a price lies between 0 and %lld cents", (long long)CENTS_MAX);
    if (change->starts_ms < change->now_ms) {
        char starts[TIME_TEXT];
        time_format(change->starts_ms, starts);
        return error_set(reterr, ERR_INVALID, "%s is past: orders were priced since; prices start now or later",
                         starts);
    }
    if (!change->is_set) {
        int64_t held;
        bool was_set;
        if (!find_holding(db, change->workspace_id, price, change->starts_ms, &held, &was_set, reterr)) return false;
        if (!was_set) return true;
        ret->ended = held;
    }
    struct stmt *stmt = db_stmt(db, "INSERT INTO price_versions (workspace_id, price, amount, starts_ms, created_ms)"
                                    " VALUES ($1, $2, $3, $4, $5) RETURNING version");
    stmt_text(stmt, 1, change->workspace_id);
    stmt_text(stmt, 2, price);
    if (change->is_set)
        stmt_int(stmt, 3, change->amount);
    else
        stmt_null(stmt, 3);
    stmt_int(stmt, 4, change->starts_ms);
    stmt_int(stmt, 5, change->now_ms);
    db_touch_identities(db);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    ret->version = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

#define HISTORY                                                                                                        \
    "SELECT p.version, p.workspace_id, p.price, p.amount, p.starts_ms, p.created_ms, p.version = (SELECT v.version"    \
    " FROM price_versions v WHERE v.workspace_id = p.workspace_id AND v.price = p.price AND v.starts_ms <="            \
    " CASE WHEN p.starts_ms > $1 THEN p.starts_ms ELSE $1 END ORDER BY v.starts_ms DESC, v.version DESC LIMIT 1),"     \
    " COALESCE(w.name, '') FROM price_versions p LEFT JOIN workspaces w ON w.id = p.workspace_id WHERE "

static struct stmt *history_stmt(struct db *db, const struct price_query *query) {
    if (query->only) {
        struct stmt *stmt = db_stmt(db, HISTORY "p.version = $2");
        stmt_int(stmt, 1, query->now_ms);
        stmt_int(stmt, 2, query->only);
        return stmt;
    }
    struct stmt *stmt = db_stmt(
        db, HISTORY "($2 = 1 OR p.workspace_id = '' OR p.workspace_id = $3) AND ($4 = 0 OR (p.starts_ms, p.version) <"
                    " ((SELECT l.starts_ms FROM price_versions l WHERE l.version = $4), $4))"
                    " ORDER BY p.starts_ms DESC, p.version DESC LIMIT $5");
    stmt_int(stmt, 1, query->now_ms);
    stmt_int(stmt, 2, query->all);
    stmt_text(stmt, 3, query->workspace_id);
    stmt_int(stmt, 4, query->before);
    stmt_int(stmt, 5, (int64_t)query->max);
    return stmt;
}

bool price_book_history(struct db *db, const struct price_query *query, struct arena *arena, struct price_version **ret,
                        size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct price_version)};
    struct stmt *stmt = history_stmt(db, query);
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
            .holds = stmt_col_int(stmt, 6) != 0,
            .workspace = row_text(stmt, 7, arena),
        };
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool price_book_find(struct db *db, int64_t version, int64_t now_ms, struct arena *arena, struct price_version *ret,
                     struct error *reterr) {
    const struct price_query query = {.only = version, .now_ms = now_ms};
    struct price_version *found;
    size_t n;
    if (!price_book_history(db, &query, arena, &found, &n, reterr)) return false;
    if (n)
        *ret = *found;
    else
        error_set(reterr, ERR_NOT_FOUND, "there is no version %lld of the price book", (long long)version);
    return n > 0;
}

/* What held for VERSION's price and workspace until it starts. */
static bool read_before(struct db *db, const struct price_version *version, struct price_change *ret,
                        struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT amount FROM price_versions WHERE workspace_id = $1 AND price = $2"
                    " AND (starts_ms, version) < ($3, $4) ORDER BY starts_ms DESC, version DESC LIMIT 1");
    stmt_text(stmt, 1, version->workspace_id);
    stmt_text(stmt, 2, version->price);
    stmt_int(stmt, 3, version->starts_ms);
    stmt_int(stmt, 4, version->version);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    ret->is_set = step == DB_ROW && !stmt_col_is_null(stmt, 0);
    ret->amount = ret->is_set ? stmt_col_int(stmt, 0) : 0;
    stmt_done(stmt);
    return true;
}

bool price_book_end(struct db *db, int64_t version, int64_t at_ms, int64_t now_ms, struct arena *arena,
                    struct price_changed *ret, struct error *reterr) {
    struct price_version found;
    if (!price_book_find(db, version, now_ms, arena, &found, reterr)) return false;
    bool is_planned = found.starts_ms > now_ms, is_set;
    int64_t holding;
    struct price_change change = {
        .workspace_id = found.workspace_id,
        .price = price_by_name(found.price),
        .starts_ms = is_planned ? found.starts_ms : at_ms,
        .now_ms = now_ms,
    };
    if (change.price == PRICE_END)
        return error_set(reterr, ERR_CONFLICT, "this program knows no price %.*s", STR_ARG(found.price));
    if (!find_holding(db, found.workspace_id, found.price, change.starts_ms, &holding, &is_set, reterr)) return false;
    if (holding != version)
        return error_set(reterr, ERR_CONFLICT, "version %lld does not hold then: a later one has taken its place",
                         (long long)version);
    if (!is_planned && !found.is_set)
        return error_set(reterr, ERR_CONFLICT, "version %lld is the end of a price itself", (long long)version);
    if ((is_planned && !read_before(db, &found, &change, reterr)) || !price_book_change(db, &change, ret, reterr))
        return false;
    ret->ended = version;
    return ret->version || error_set(reterr, ERR_CONFLICT,
                                     "version %lld is the end of a price that is taken back: nothing goes on instead",
                                     (long long)version);
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
