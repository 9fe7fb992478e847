/* Orders, with the names of some of their domains and how far their work is: four queries a page. */
#include "base/ids.h"
#include "store/rows.h"
#include "store/search.h"

#define COLUMNS                                                                                                        \
    "SELECT o.id, o.reason, o.type, o.state, o.amount, o.created_ms, o.ended_ms,"                                      \
    " (SELECT COUNT(*) FROM accounts a WHERE a.order_id = o.id) FROM (SELECT p.* FROM orders p WHERE"                  \
    " p.workspace_id = $1 AND p.id < $2 AND ($4 = '' OR p.state = $4)"
#define ORDER " ORDER BY p.id DESC LIMIT $3) AS o ORDER BY o.id DESC"

static struct stmt *by_id(struct db *db, struct str id) {
    struct stmt *stmt = db_stmt(db, COLUMNS " AND ($5 = '' OR p.id = $5)" ORDER);
    stmt_text(stmt, 5, id);
    return stmt;
}

static struct stmt *by_address(struct db *db, struct str pattern) {
    struct stmt *stmt = db_stmt(db, COLUMNS " AND p.id IN (SELECT b.order_id FROM accounts b WHERE b.workspace_id = $1"
                                            " AND b.email LIKE $5 ESCAPE '\\')" ORDER);
    stmt_text(stmt, 5, pattern);
    return stmt;
}

/* Orders of extra mailboxes have no domain of their own. */
static struct stmt *by_domain(struct db *db, struct str pattern) {
    struct stmt *stmt = db_stmt(
        db, COLUMNS " AND p.id IN (SELECT d.order_id FROM domains d WHERE d.workspace_id = $1"
                    " AND d.name LIKE $5 ESCAPE '\\' UNION ALL SELECT b.order_id FROM domains e CROSS JOIN accounts b"
                    " WHERE e.workspace_id = $1 AND e.name LIKE $5 ESCAPE '\\' AND b.domain_id = e.id)" ORDER);
    stmt_text(stmt, 5, pattern);
    return stmt;
}

static bool read_orders(struct db *db, const struct search *search, struct arena *arena, struct rows *rows,
                        struct error *reterr) {
    struct stmt *stmt;
    if (!search->text.n || uuid_is_valid(search->text))
        stmt = by_id(db, search->text);
    else if (memchr(search->text.p, '@', search->text.n))
        stmt = by_address(db, row_like(search->text, arena));
    else
        stmt = by_domain(db, row_like(search->text, arena));
    stmt_text(stmt, 1, search->workspace_id);
    stmt_text(stmt, 2, search->before.n ? search->before : STR("~")); /* greater than every id */
    stmt_int(stmt, 3, (int64_t)search->limit);
    stmt_text(stmt, 4, search->state);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct found_order *)rows_add(rows, arena) = (struct found_order){
            .id = row_text(stmt, 0, arena),
            .reason = row_text(stmt, 1, arena),
            .type = (enum order_type)row_word(stmt, 2, order_type_names, ARRAY_LEN(order_type_names)),
            .state = (enum order_state)row_word(stmt, 3, order_state_names, ORDER_STATE_END),
            .amount = stmt_col_int(stmt, 4),
            .created_ms = stmt_col_int(stmt, 5),
            .ended_ms = stmt_col_int(stmt, 6),
            .n_mailboxes = stmt_col_int(stmt, 7),
        };
    return step == DB_END;
}

/* The order that is meant by ID, from AT on: what is read of all of them is sorted as they are. */
static struct found_order *next_of(struct found_order *orders, size_t n, size_t *at, struct str id) {
    while (*at < n && !str_eq(orders[*at].id, id)) ++*at;
    return *at < n ? &orders[*at] : NULL;
}

/* The first ones in the order of the items, which got their ids from the last to the first. */
static bool read_names(struct db *db, struct found_order *orders, size_t n, const struct str *ids, struct arena *arena,
                       struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "WITH t AS (SELECT order_id, id FROM domains WHERE order_id IN (SELECT value FROM list($1)) UNION"
            " SELECT order_id, domain_id FROM accounts WHERE order_id IN (SELECT value FROM list($1)))"
            " SELECT x.order_id, d.name, x.n FROM (SELECT t.order_id, t.id, COUNT(*) OVER (PARTITION BY t.order_id)"
            " AS n, ROW_NUMBER() OVER (PARTITION BY t.order_id ORDER BY t.id DESC) AS place FROM t) AS x"
            " JOIN domains d ON d.id = x.id WHERE x.place <= $2 ORDER BY x.order_id DESC, x.place");
    stmt_list(stmt, 1, ids, n);
    stmt_int(stmt, 2, FOUND_NAMES_MAX);
    size_t at = 0;
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct found_order *order = next_of(orders, n, &at, stmt_col_text(stmt, 0));
        if (!order) continue;
        order->names[order->n_names++] = row_text(stmt, 1, arena);
        order->n_domains = stmt_col_int(stmt, 2);
    }
    return step == DB_END;
}

static bool read_progress(struct db *db, struct found_order *orders, size_t n, const struct str *ids,
                          struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT order_id, SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END),"
                    " SUM(CASE WHEN state = 'blocked' OR state = 'due' OR state = 'running' THEN 1 ELSE 0 END),"
                    " SUM(CASE WHEN state = 'retrying' THEN 1 ELSE 0 END),"
                    " SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END) FROM steps"
                    " WHERE order_id IN (SELECT value FROM list($1)) AND rank < $2"
                    " GROUP BY order_id ORDER BY order_id DESC");
    stmt_list(stmt, 1, ids, n);
    stmt_int(stmt, 2, step_rank(STEP_REMOVE_MAILBOX));
    size_t at = 0;
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct found_order *order = next_of(orders, n, &at, stmt_col_text(stmt, 0));
        if (!order) continue;
        order->progress = (struct found_progress){
            .done = stmt_col_int(stmt, 1),
            .open = stmt_col_int(stmt, 2),
            .retrying = stmt_col_int(stmt, 3),
            .failed = stmt_col_int(stmt, 4),
        };
    }
    return step == DB_END;
}

bool search_orders(struct db *db, const struct search *search, struct arena *arena, struct found_order **ret,
                   size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct found_order)};
    if (!read_orders(db, search, arena, &rows, reterr)) return false;
    struct found_order *orders = rows.first;
    struct str *ids = ARENA_ARRAY(arena, rows.n, struct str);
    for (size_t i = 0; i < rows.n; i++) ids[i] = orders[i].id;
    if (rows.n &&
        (!read_names(db, orders, rows.n, ids, arena, reterr) || !read_progress(db, orders, rows.n, ids, reterr)))
        return false;
    *ret = orders;
    *ret_n = rows.n;
    return true;
}
