#include "store/inventory.h"

#include "store/rows.h"

static bool add_accounts(struct db *db, const struct stock *stock, struct error *reterr) {
    for (size_t i = 0; i < stock->n_accounts; i++) {
        const struct account *account = &stock->accounts[i];
        struct stmt *stmt = db_stmt(db, "INSERT INTO stock_accounts (domain, prefix, position, first_name, last_name)"
                                        " VALUES ($1, $2, $3, $4, $5)");
        stmt_text(stmt, 1, stock->domain);
        stmt_text(stmt, 2, account->prefix);
        stmt_int(stmt, 3, (int64_t)i);
        stmt_text(stmt, 4, account->first_name);
        stmt_text(stmt, 5, account->last_name);
        if (stmt_run(stmt, NULL, reterr)) continue;
        if (reterr->code != ERR_CONFLICT) return false;
        return error_set(reterr, ERR_CONFLICT, "%.*s@%.*s is listed twice", STR_ARG(account->prefix),
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
