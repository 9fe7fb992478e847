#include "store/promotions.h"

#include "store/rows.h"

enum { NAME_MAX_LENGTH = 60, DOMAINS_MAX = 1000000, ORDERS_MAX = 1000000000 };

/* ---- the operator's ---- */

static bool name_is_fine(struct str name) {
    if (name.n == 0 || name.n > NAME_MAX_LENGTH) return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') return false;
    }
    return true;
}

static bool value_is_fine(enum promotion_kind kind, int64_t value, struct error *reterr) {
    switch (kind) {
    case PROMOTION_PERCENT:
        return (value >= 1 && value <= 100) ||
               error_set(reterr, ERR_INVALID, "a promotion takes off 1 to 100 percent, not %lld", (long long)value);
    case PROMOTION_AMOUNT:
        return (value >= 1 && value <= CENTS_MAX) ||
               error_set(reterr, ERR_INVALID, "a promotion takes off 0.01 to %lld dollars", (long long)CENTS_MAX / 100);
    case PROMOTION_FREE_DOMAINS:
        return (value >= 1 && value <= DOMAINS_MAX) ||
               error_set(reterr, ERR_INVALID, "a promotion gives 1 to %d free domains, not %lld", DOMAINS_MAX,
                         (long long)value);
    case PROMOTION_FIRST_MONTH:
        return value == 0 || error_set(reterr, ERR_INVALID, "a free first month has no value");
    case PROMOTION_KIND_END:
        break;
    }
    return error_set(reterr, ERR_INVALID, "there is no such kind of promotion");
}

bool promotion_add(struct db *db, const struct promotion_row *row, struct error *reterr) {
    if (!name_is_fine(row->name))
        return error_set(reterr, ERR_INVALID,
                         "a promotion's name has 1 to %d letters, digits, hyphens, dots and underscores",
                         NAME_MAX_LENGTH);
    if (!value_is_fine(row->kind, row->value, reterr)) return false;
    if (row->starts_ms < row->created_ms)
        return error_set(reterr, ERR_INVALID, "a promotion starts now or later: orders of before were priced without");
    if (row->ends_ms <= row->starts_ms) return error_set(reterr, ERR_INVALID, "a promotion has to end after its start");
    if (row->max_orders < 0 || row->max_orders > ORDERS_MAX || row->max_orders_each < 0 ||
        row->max_orders_each > ORDERS_MAX)
        return error_set(reterr, ERR_INVALID, "a promotion is limited to 1 to %d orders", ORDERS_MAX);
    struct stmt *stmt = db_stmt(db, "INSERT INTO promotions (id, name, workspace_id, kind, value, starts_ms, ends_ms,"
                                    " max_orders, max_orders_each, used_orders, created_ms)"
                                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)");
    stmt_text(stmt, 1, row->id);
    stmt_text(stmt, 2, row->name);
    stmt_text(stmt, 3, row->workspace_id);
    stmt_text(stmt, 4, str_of(promotion_kind_names[row->kind]));
    stmt_int(stmt, 5, row->value);
    stmt_int(stmt, 6, row->starts_ms);
    stmt_int(stmt, 7, row->ends_ms);
    stmt_int(stmt, 8, row->max_orders);
    stmt_int(stmt, 9, row->max_orders_each);
    stmt_int(stmt, 10, row->created_ms);
    db_touch_identities(db);
    if (stmt_run(stmt, NULL, reterr)) return true;
    if (reterr->code != ERR_CONFLICT) return false;
    return error_set(reterr, ERR_CONFLICT, "there is a promotion \"%.*s\" already; each has a name of its own",
                     STR_ARG(row->name));
}

bool promotion_end(struct db *db, struct str name, int64_t at_ms, int64_t now_ms, struct error *reterr) {
    if (at_ms < now_ms)
        return error_set(reterr, ERR_INVALID, "a promotion ends now or later: orders of before have used it");
    struct stmt *stmt = db_stmt(db, "SELECT ends_ms FROM promotions WHERE name = $1");
    stmt_text(stmt, 1, name);
    if (!row_find(stmt, reterr, "there is no promotion \"%.*s\"; `dfyd promo list --all` lists them", STR_ARG(name)))
        return false;
    bool has_ended = stmt_col_int(stmt, 0) <= now_ms;
    stmt_done(stmt);
    if (has_ended) return error_set(reterr, ERR_CONFLICT, "the promotion \"%.*s\" has ended before", STR_ARG(name));
    stmt = db_stmt(db, "UPDATE promotions SET ends_ms = $2 WHERE name = $1");
    stmt_text(stmt, 1, name);
    stmt_int(stmt, 2, at_ms);
    db_touch_identities(db);
    return stmt_run(stmt, NULL, reterr);
}

bool promotion_list(struct db *db, const struct promotion_query *query, struct arena *arena, struct promotion_row **ret,
                    size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct promotion_row)};
    struct stmt *stmt = db_stmt(
        db,
        "SELECT p.id, p.name, p.workspace_id, p.kind, p.value, p.starts_ms, p.ends_ms, p.max_orders,"
        " p.max_orders_each, p.used_orders, p.created_ms, COALESCE(w.name, '') FROM promotions p"
        " LEFT JOIN workspaces w ON w.id = p.workspace_id"
        " WHERE p.ends_ms > $1 AND ($2 = '' OR p.id = $2) AND ($3 = '' OR p.id < $3)"
        " AND ($6 = '' OR p.name = $6) AND ($5 = '' OR LOWER(p.name) LIKE $5 ESCAPE '\\') ORDER BY p.id DESC LIMIT $4");
    stmt_int(stmt, 1, query->all ? INT64_MIN : query->now_ms);
    stmt_text(stmt, 2, query->only);
    stmt_text(stmt, 3, query->before);
    stmt_text(stmt, 5, row_like(query->search, arena));
    stmt_text(stmt, 6, query->name);
    stmt_int(stmt, 4, query->max ? (int64_t)query->max : INT64_MAX);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct promotion_row *row = rows_add(&rows, arena);
        *row = (struct promotion_row){
            .id = row_text(stmt, 0, arena),
            .name = row_text(stmt, 1, arena),
            .workspace_id = row_text(stmt, 2, arena),
            .kind = (enum promotion_kind)row_word(stmt, 3, promotion_kind_names, PROMOTION_KIND_END),
            .value = stmt_col_int(stmt, 4),
            .starts_ms = stmt_col_int(stmt, 5),
            .ends_ms = stmt_col_int(stmt, 6),
            .max_orders = stmt_col_int(stmt, 7),
            .max_orders_each = stmt_col_int(stmt, 8),
            .used_orders = stmt_col_int(stmt, 9),
            .created_ms = stmt_col_int(stmt, 10),
            .workspace = row_text(stmt, 11, arena),
        };
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

/* ---- a workspace's ---- */

/* How many of MAX are left after USED, when that is less than LEFT; MAX 0: no limit. */
static void limit(struct promotion *promotion, int64_t max, int64_t used) {
    if (max == 0) return;
    int64_t left = max > used ? max - used : 0;
    if (!promotion->has_limit || left < promotion->orders_left) promotion->orders_left = left;
    promotion->has_limit = true;
}

bool promotions_ask(struct db *db, struct str workspace_id, int64_t now_ms, struct stmt **ret, struct error *reterr) {
    *ret = db_stmt(db, "SELECT p.starts_ms, p.ends_ms, p.max_orders, p.used_orders, p.max_orders_each,"
                       " COALESCE(u.orders, 0), p.kind, p.value, COALESCE(u.domains, 0), p.id, p.name FROM promotions p"
                       " LEFT JOIN promotion_uses u ON u.promotion_id = p.id AND u.workspace_id = $1"
                       " WHERE p.ends_ms > $2 AND p.workspace_id IN ('', $1) ORDER BY p.id");
    stmt_text(*ret, 1, workspace_id);
    stmt_int(*ret, 2, now_ms);
    return stmt_ask(*ret, reterr);
}

bool promotions_read(struct stmt *asked, int64_t now_ms, struct arena *arena, struct promotion **ret, size_t *ret_n,
                     int64_t *ret_until_ms, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct promotion)};
    int64_t until_ms = INT64_MAX;
    enum db_step step;
    while ((step = stmt_step(asked, reterr)) == DB_ROW) {
        struct promotion promotion = {.starts_ms = stmt_col_int(asked, 0), .ends_ms = stmt_col_int(asked, 1)};
        bool has_started = promotion.starts_ms <= now_ms;
        int64_t turn_ms = has_started ? promotion.ends_ms : promotion.starts_ms;
        if (turn_ms < until_ms) until_ms = turn_ms;
        if (!has_started) continue;
        limit(&promotion, stmt_col_int(asked, 2), stmt_col_int(asked, 3));
        limit(&promotion, stmt_col_int(asked, 4), stmt_col_int(asked, 5));
        promotion.kind = (enum promotion_kind)row_word(asked, 6, promotion_kind_names, PROMOTION_KIND_END);
        promotion.value = stmt_col_int(asked, 7);
        promotion.domains_left = promotion.value - stmt_col_int(asked, 8);
        bool is_used_up = promotion.has_limit && promotion.orders_left == 0;
        if (is_used_up || (promotion.kind == PROMOTION_FREE_DOMAINS && promotion.domains_left <= 0)) continue;
        promotion.id = row_text(asked, 9, arena);
        promotion.name = row_text(asked, 10, arena);
        *(struct promotion *)rows_add(&rows, arena) = promotion;
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    *ret_until_ms = until_ms;
    return true;
}

bool promotions_open(struct db *db, struct str workspace_id, int64_t now_ms, struct arena *arena,
                     struct promotion **ret, size_t *ret_n, int64_t *ret_until_ms, struct error *reterr) {
    struct stmt *asked;
    return promotions_ask(db, workspace_id, now_ms, &asked, reterr) &&
           promotions_read(asked, now_ms, arena, ret, ret_n, ret_until_ms, reterr);
}

/* ---- uses ---- */

static bool used_up(struct error *reterr) {
    return error_set(reterr, ERR_CONFLICT, "the promotion has ended or was used up meanwhile");
}

/*
 * Moves the count of orders by BY (1 or -1); *ret_found is false when there is no such promotion. What is left of a
 * promotion with a limit is part of prices; the uses of one without are nobody's news, and telling them with every
 * order would make all commits of all nodes wait for each other.
 */
static bool move_used(struct db *db, struct str id, int64_t by, bool *ret_found, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "UPDATE promotions SET used_orders = used_orders + $2 WHERE id = $1"
            " RETURNING CASE WHEN max_orders > 0 OR max_orders_each > 0 OR kind = 'free_domains' THEN 1 ELSE 0 END");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, by);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret_found = step == DB_ROW;
    if (*ret_found && stmt_col_int(stmt, 0)) db_touch_identities(db);
    stmt_done(stmt);
    return true;
}

bool promotion_count(struct db *db, struct str id, struct str workspace_id, int64_t n_domains, struct error *reterr) {
    bool found;
    if (!move_used(db, id, 1, &found, reterr)) return false;
    if (!found) return used_up(reterr);
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO promotion_uses (promotion_id, workspace_id, orders, domains)"
                    " VALUES ($1, $2, 1, $3) ON CONFLICT (promotion_id, workspace_id) DO UPDATE SET"
                    " orders = promotion_uses.orders + 1, domains = promotion_uses.domains + excluded.domains");
    stmt_text(stmt, 1, id);
    stmt_text(stmt, 2, workspace_id);
    stmt_int(stmt, 3, n_domains);
    return stmt_run(stmt, NULL, reterr);
}

bool promotion_use(struct db *db, struct str id, struct str workspace_id, int64_t n_domains, int64_t now_ms,
                   struct error *reterr) {
    if (!promotion_count(db, id, workspace_id, n_domains, reterr)) return false;
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM promotions p JOIN promotion_uses u ON u.promotion_id = p.id"
                                    " WHERE p.id = $1 AND u.workspace_id = $2 AND p.workspace_id IN ('', $2)"
                                    " AND p.starts_ms <= $3 AND p.ends_ms > $3"
                                    " AND (p.max_orders = 0 OR p.used_orders <= p.max_orders)"
                                    " AND (p.max_orders_each = 0 OR u.orders <= p.max_orders_each)"
                                    " AND (p.kind <> 'free_domains' OR u.domains <= p.value)");
    stmt_text(stmt, 1, id);
    stmt_text(stmt, 2, workspace_id);
    stmt_int(stmt, 3, now_ms);
    enum db_step step = stmt_step(stmt, reterr);
    stmt_done(stmt);
    if (step != DB_END) return step == DB_ROW;
    return used_up(reterr);
}

bool promotion_give_back(struct db *db, struct str id, struct str workspace_id, int64_t n_domains,
                         struct error *reterr) {
    bool found;
    if (!move_used(db, id, -1, &found, reterr)) return false;
    struct stmt *stmt = db_stmt(db, "UPDATE promotion_uses SET orders = orders - 1, domains = domains - $3"
                                    " WHERE promotion_id = $1 AND workspace_id = $2");
    stmt_text(stmt, 1, id);
    stmt_text(stmt, 2, workspace_id);
    stmt_int(stmt, 3, n_domains);
    return stmt_run(stmt, NULL, reterr);
}
