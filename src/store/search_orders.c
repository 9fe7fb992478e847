/*
 * Orders, with the names of some of their domains and how far their work is: one query a page. What is counted, is
 * counted order by order through indexes: joined to all of them PostgreSQL reads whole tables instead.
 */
#include "base/ids.h"
#include "store/rows.h"
#include "store/search.h"

/* Domains of extra mailboxes are those that they are on. In the order of the items, which got their ids from the last
 * to the first. */
#define DOMAIN_IDS                                                                                                     \
    "(SELECT d.id FROM domains d WHERE d.order_id = o.id UNION SELECT a.domain_id FROM accounts a"                     \
    " WHERE a.order_id = o.id)"
#define NAME(place)                                                                                                    \
    ", (SELECT n.name FROM domains n WHERE n.id = (SELECT t.id FROM " DOMAIN_IDS                                       \
    " AS t ORDER BY t.id DESC LIMIT 1 OFFSET " place "))"
/* Without what came after the order was set up: the ranks from step_rank(STEP_REMOVE_MAILBOX) on. */
#define STEPS(states) ", (SELECT COUNT(*) FROM steps s WHERE s.order_id = o.id AND s.rank < 3 AND (" states "))"

#define COLUMNS                                                                                                        \
    "SELECT o.id, o.reason, o.type, o.state, o.amount, o.created_ms, o.ended_ms,"                                      \
    " (SELECT COUNT(*) FROM accounts a WHERE a.order_id = o.id), (SELECT COUNT(*) FROM " DOMAIN_IDS " AS t)" NAME("0") \
        NAME("1") NAME("2") STEPS("s.state = 'done'")                                                                  \
            STEPS("s.state = 'blocked' OR s.state = 'due' OR s.state = 'running'") STEPS("s.state = 'retrying'")       \
                STEPS("s.state = 'failed'") " FROM (SELECT p.* FROM orders p WHERE"                                    \
                                            " p.workspace_id = $1 AND p.id < $2 AND ($4 = '' OR p.state = $4)"
#define ORDER " ORDER BY p.id DESC LIMIT $3) AS o ORDER BY o.id DESC"

static struct stmt *by_id(struct db *db, struct str id) {
    struct stmt *stmt = db_stmt(db, COLUMNS " AND p.id = $5" ORDER);
    stmt_text(stmt, 5, id);
    return stmt;
}

/* Order by order (OFFSET 0 keeps PostgreSQL from another way), so that a text that is in many is found at once. */
static struct stmt *by_address(struct db *db, struct str pattern) {
    struct stmt *stmt = db_stmt(db, COLUMNS " AND EXISTS (SELECT 1 FROM accounts b WHERE b.order_id = p.id"
                                            " AND b.email LIKE $5 ESCAPE '\\' LIMIT 1 OFFSET 0)" ORDER);
    stmt_text(stmt, 5, pattern);
    return stmt;
}

/* Orders of extra mailboxes have no domain of their own. */
static struct stmt *by_domain(struct db *db, struct str pattern) {
    struct stmt *stmt =
        db_stmt(db, COLUMNS
                " AND (EXISTS (SELECT 1 FROM domains d WHERE d.order_id = p.id"
                " AND d.name LIKE $5 ESCAPE '\\' LIMIT 1 OFFSET 0) OR (p.type = 'extra_accounts' AND EXISTS (SELECT 1"
                " FROM accounts b JOIN domains e ON e.id = b.domain_id WHERE b.order_id = p.id"
                " AND e.name LIKE $5 ESCAPE '\\' LIMIT 1 OFFSET 0)))" ORDER);
    stmt_text(stmt, 5, pattern);
    return stmt;
}

static void read_row(struct stmt *stmt, struct arena *arena, struct found_order *ret) {
    enum { NAMES = 9, PROGRESS = NAMES + FOUND_NAMES_MAX };
    *ret = (struct found_order){
        .id = row_text(stmt, 0, arena),
        .reason = row_text(stmt, 1, arena),
        .type = (enum order_type)row_word(stmt, 2, order_type_names, ARRAY_LEN(order_type_names)),
        .state = (enum order_state)row_word(stmt, 3, order_state_names, ORDER_STATE_END),
        .amount = stmt_col_int(stmt, 4),
        .created_ms = stmt_col_int(stmt, 5),
        .ended_ms = stmt_col_int(stmt, 6),
        .n_mailboxes = stmt_col_int(stmt, 7),
        .n_domains = stmt_col_int(stmt, 8),
        .progress =
            {
                .done = stmt_col_int(stmt, PROGRESS),
                .open = stmt_col_int(stmt, PROGRESS + 1),
                .retrying = stmt_col_int(stmt, PROGRESS + 2),
                .failed = stmt_col_int(stmt, PROGRESS + 3),
            },
    };
    while (ret->n_names < FOUND_NAMES_MAX && (int64_t)ret->n_names < ret->n_domains) {
        ret->names[ret->n_names] = row_text(stmt, NAMES + (int)ret->n_names, arena);
        ret->n_names++;
    }
}

bool search_orders(struct db *db, const struct search *search, struct arena *arena, struct found_order **ret,
                   size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct found_order)};
    struct stmt *stmt;
    if (!search->text.n)
        stmt = db_stmt(db, COLUMNS ORDER);
    else if (uuid_is_valid(search->text))
        stmt = by_id(db, search->text);
    else if (memchr(search->text.p, '@', search->text.n))
        stmt = by_address(db, row_like(search->text, arena));
    else
        stmt = by_domain(db, row_like(search->text, arena));
    stmt_text(stmt, 1, search->workspace_id);
    stmt_text(stmt, 2, rows_before(search->before));
    stmt_int(stmt, 3, (int64_t)search->limit);
    stmt_text(stmt, 4, search->state);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}
