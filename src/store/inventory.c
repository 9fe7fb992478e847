#include "store/inventory.h"

#include "store/rows.h"

static struct stmt *account_stmt(struct db *db, const struct stock *stock, size_t i) {
    const struct account *account = &stock->accounts[i];
    struct stmt *stmt = db_stmt(db, "INSERT INTO stock_accounts (domain, prefix, position, first_name, last_name)"
                                    " VALUES ($1, $2, $3, $4, $5)");
    stmt_text(stmt, 1, stock->domain);
    stmt_text(stmt, 2, account->prefix);
    stmt_int(stmt, 3, (int64_t)i);
    stmt_text(stmt, 4, account->first_name);
    stmt_text(stmt, 5, account->last_name);
    return stmt;
}

static bool add_accounts(struct db *db, const struct stock *stock, struct error *reterr) {
    for (size_t i = 0; i < stock->n_accounts; i++) {
        if (stmt_run(account_stmt(db, stock, i), NULL, reterr)) continue;
        if (reterr->code != ERR_CONFLICT) return false;
        return error_set(reterr, ERR_CONFLICT, "%.*s@%.*s is listed twice", STR_ARG(stock->accounts[i].prefix),
                         STR_ARG(stock->domain));
    }
    return true;
}

bool inventory_add(struct db *db, const struct stock *stock, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO stock (domain, provider, created_ms, order_id) SELECT $1, $2, $3, NULL"
                                    " WHERE NOT EXISTS (SELECT 1 FROM domains WHERE name = $1 AND active = 1)");
    stmt_text(stmt, 1, stock->domain);
    stmt_int(stmt, 2, stock->provider);
    stmt_int(stmt, 3, now_ms);
    int64_t added;
    if (!stmt_run(stmt, &added, reterr)) {
        if (reterr->code != ERR_CONFLICT) return false;
        return error_set(reterr, ERR_CONFLICT, "%.*s is stocked already", STR_ARG(stock->domain));
    }
    if (!added) return error_set(reterr, ERR_CONFLICT, "%.*s was ordered here already", STR_ARG(stock->domain));
    return add_accounts(db, stock, reterr);
}

bool inventory_add_all(struct db *db, const struct stock *stocks, size_t n, int64_t now_ms, struct error *reterr) {
    for (size_t i = 0; i < n; i++) {
        struct stmt *stmt =
            db_stmt(db, "INSERT INTO stock (domain, provider, created_ms, order_id) VALUES ($1, $2, $3, NULL)");
        stmt_text(stmt, 1, stocks[i].domain);
        stmt_int(stmt, 2, stocks[i].provider);
        stmt_int(stmt, 3, now_ms);
        if (!stmt_queue(stmt, reterr)) return false;
        for (size_t j = 0; j < stocks[i].n_accounts; j++)
            if (!stmt_queue(account_stmt(db, &stocks[i], j), reterr)) return false;
    }
    return true;
}

bool inventory_known(struct db *db, const struct str *names, size_t n, struct arena *arena, struct known_names *ret,
                     struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT domain FROM stock WHERE domain IN (SELECT value FROM list($1)) ORDER BY domain");
    stmt_list(stmt, 1, names, n);
    if (!rows_texts(stmt, arena, &ret->stocked, &ret->n_stocked, reterr)) return false;
    stmt = db_stmt(db, "SELECT name FROM domains WHERE active = 1 AND name IN (SELECT value FROM list($1))"
                       " ORDER BY name");
    stmt_list(stmt, 1, names, n);
    return rows_texts(stmt, arena, &ret->active, &ret->n_active, reterr);
}

/* The rows of a query on stock and its accounts, in their order. */
static bool read_page(struct stmt *stmt, struct arena *arena, struct rows *rows, struct error *reterr) {
    struct rows accounts = {.size = sizeof(struct account)};
    struct stock_row *row = NULL;
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        if (!row || !str_eq(row->stock.domain, stmt_col_text(stmt, 0))) {
            row = rows_add(rows, arena);
            *row = (struct stock_row){
                .stock = {.domain = row_text(stmt, 0, arena),
                          .provider = (enum provider)stmt_col_int(stmt, 1),
                          .sold = !stmt_col_is_null(stmt, 2)},
                .order_id = row_text(stmt, 2, arena),
                .workspace_id = row_text(stmt, 3, arena),
                .workspace = row_text(stmt, 4, arena),
                .created_ms = stmt_col_int(stmt, 5),
            };
        }
        if (stmt_col_is_null(stmt, 6)) continue;
        struct account *account = rows_add(&accounts, arena);
        account->prefix = row_text(stmt, 6, arena);
        account->first_name = row_text(stmt, 7, arena);
        account->last_name = row_text(stmt, 8, arena);
        row->stock.n_accounts++;
    }
    struct account *next = accounts.first;
    struct stock_row *all = rows->first;
    for (size_t i = 0; i < rows->n; i++) {
        all[i].stock.accounts = next;
        if (next) next += all[i].stock.n_accounts;
    }
    return step == DB_END;
}

bool inventory_page(struct db *db, const struct stock_query *query, struct arena *arena, struct stock_row **ret,
                    size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct stock_row)};
    struct stmt *stmt = db_stmt(
        db, "SELECT s.domain, s.provider, s.order_id, o.workspace_id, w.name, s.created_ms, a.prefix, a.first_name,"
            " a.last_name FROM (SELECT domain, provider, order_id, created_ms FROM stock WHERE domain > $1"
            " AND ($2 = 2 OR ($2 = 1 AND order_id IS NOT NULL) OR ($2 = 0 AND order_id IS NULL))"
            " AND ($3 = '' OR domain LIKE $3 ESCAPE '\\') ORDER BY domain LIMIT $4) s"
            " LEFT JOIN orders o ON o.id = s.order_id LEFT JOIN workspaces w ON w.id = o.workspace_id"
            " LEFT JOIN stock_accounts a ON a.domain = s.domain ORDER BY s.domain, a.position");
    stmt_text(stmt, 1, query->after);
    stmt_int(stmt, 2, query->state);
    stmt_text(stmt, 3, row_like(query->search, arena));
    stmt_int(stmt, 4, (int64_t)query->limit);
    if (!read_page(stmt, arena, &rows, reterr)) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool inventory_list(struct db *db, bool only_unsold, struct arena *arena, struct stock **ret, size_t *ret_n,
                    struct error *reterr) {
    struct rows stocks = {.size = sizeof(struct stock)}, accounts = {.size = sizeof(struct account)};
    struct stmt *stmt =
        db_stmt(db, "SELECT s.domain, s.provider, s.order_id IS NOT NULL, a.prefix, a.first_name, a.last_name"
                    " FROM stock s LEFT JOIN stock_accounts a ON a.domain = s.domain"
                    " WHERE $1 = 0 OR s.order_id IS NULL ORDER BY s.domain, a.position");
    stmt_int(stmt, 1, only_unsold);
    enum db_step step;
    struct stock *stock = NULL;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        if (!stock || !str_eq(stock->domain, stmt_col_text(stmt, 0))) {
            stock = rows_add(&stocks, arena);
            stock->domain = row_text(stmt, 0, arena);
            stock->provider = (enum provider)stmt_col_int(stmt, 1);
            stock->sold = stmt_col_int(stmt, 2) != 0;
        }
        if (stmt_col_is_null(stmt, 3)) continue;
        struct account *account = rows_add(&accounts, arena);
        account->prefix = row_text(stmt, 3, arena);
        account->first_name = row_text(stmt, 4, arena);
        account->last_name = row_text(stmt, 5, arena);
        stock->n_accounts++;
    }
    if (step == DB_FAIL) return false;
    struct account *next = accounts.first;
    struct stock *all = stocks.first;
    for (size_t i = 0; i < stocks.n; i++) {
        all[i].accounts = next;
        if (next) next += all[i].n_accounts;
    }
    *ret = all;
    *ret_n = stocks.n;
    return true;
}

bool inventory_for_sale(struct db *db, struct arena *arena, struct stock **ret, size_t *ret_n, struct error *reterr) {
    struct rows stocks = {.size = sizeof(struct stock)};
    struct stmt *stmt = db_stmt(db, "SELECT s.domain, s.provider FROM stock s WHERE s.order_id IS NULL AND NOT EXISTS"
                                    " (SELECT 1 FROM domains d WHERE d.name = s.domain AND d.active = 1)"
                                    " ORDER BY s.domain");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct stock *)rows_add(&stocks, arena) = (struct stock){
            .domain = row_text(stmt, 0, arena),
            .provider = (enum provider)stmt_col_int(stmt, 1),
        };
    if (step == DB_FAIL) return false;
    *ret = stocks.first;
    *ret_n = stocks.n;
    return true;
}

bool inventory_remove(struct db *db, struct str domain, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT order_id IS NOT NULL FROM stock WHERE domain = $1");
    stmt_text(stmt, 1, domain);
    if (!row_find(stmt, reterr, "%.*s is not stocked", STR_ARG(domain))) return false;
    bool sold = stmt_col_int(stmt, 0) != 0;
    stmt_done(stmt);
    if (sold) return error_set(reterr, ERR_CONFLICT, "%.*s is sold", STR_ARG(domain));
    stmt = db_stmt(db, "DELETE FROM stock_accounts WHERE domain = $1");
    stmt_text(stmt, 1, domain);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    stmt = db_stmt(db, "DELETE FROM stock WHERE domain = $1");
    stmt_text(stmt, 1, domain);
    return stmt_run(stmt, NULL, reterr);
}
