/* How orders begin: what is held, and the intent to charge. orders_open.c and orders_end.c have what follows. */
#include "store/orders.h"

#include <stdlib.h>

#include "store/bills.h"
#include "store/price_book.h"
#include "store/promotions.h"
#include "store/rows.h"

static bool insert_order(struct db *db, const struct reservation *r, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "INSERT INTO orders (id, workspace_id, type, state, amount, card_token, idempotency_key, answer, reason,"
            " attempts, settle_after_ms, created_ms, ended_ms, actor_key_id, actor_address, actor_agent, price_version,"
            " promotion_id, discount, payment_driver, card_brand, card_last4, checkout_expires_ms)"
            " VALUES ($1, $2, $3, 'reserved', $4, $5, $6, $7, '', 0, $8, $9, 0, $10, $11, $12, $13, $14, $15, $16, $17,"
            " $18, $19)");
    stmt_text(stmt, 1, str_of(r->order_id));
    stmt_text(stmt, 2, r->workspace_id);
    stmt_text(stmt, 3, str_of(order_type_names[r->type]));
    stmt_int(stmt, 4, r->amount);
    stmt_text(stmt, 5, r->card_token);
    stmt_text(stmt, 6, r->idempotency_key);
    stmt_text(stmt, 7, r->idempotency_key.n ? r->answer : STR(""));
    stmt_int(stmt, 8, r->settle_after_ms);
    stmt_int(stmt, 9, r->now_ms);
    stmt_text(stmt, 10, r->actor.key_id);
    stmt_text(stmt, 11, r->actor.address);
    stmt_text(stmt, 12, r->actor.user_agent);
    stmt_int(stmt, 13, r->price_version);
    stmt_text(stmt, 14, r->promotion_id);
    stmt_int(stmt, 15, r->discount);
    stmt_text(stmt, 16, r->payment_driver);
    stmt_text(stmt, 17, r->card_brand);
    stmt_text(stmt, 18, r->card_last4);
    stmt_int(stmt, 19, r->checkout_expires_ms);
    return stmt_queue(stmt, reterr);
}

static bool insert_domain(struct db *db, const struct reservation *r, const struct reserve_domain *domain,
                          struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO domains (id, workspace_id, order_id, name, provider, forwarding, is_pre_warmed, state,"
                    " active, created_ms, cancelled_ms, year_price, month_price)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, 'reserved', 1, $8, 0, $9, $10)");
    stmt_text(stmt, 1, str_of(domain->id));
    stmt_text(stmt, 2, r->workspace_id);
    stmt_text(stmt, 3, str_of(r->order_id));
    stmt_text(stmt, 4, domain->name);
    stmt_int(stmt, 5, domain->provider);
    stmt_text(stmt, 6, domain->forwarding);
    stmt_int(stmt, 7, r->type == ORDER_PRE_WARMED_UP);
    stmt_int(stmt, 8, r->now_ms);
    stmt_int(stmt, 9, domain->year_price);
    stmt_int(stmt, 10, domain->month_price);
    return stmt_queue_named(stmt, domain->name, reterr);
}

/* Takes it out of stock, if it is still the stock that was judged. */
static bool take_stock(struct db *db, const struct reservation *r, const struct reserve_domain *domain,
                       struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE stock SET order_id = $2 WHERE domain = $1 AND order_id IS NULL AND provider = $3"
                    " AND (SELECT COUNT(*) FROM stock_accounts WHERE domain = $1) = $4");
    stmt_text(stmt, 1, domain->name);
    stmt_text(stmt, 2, str_of(r->order_id));
    stmt_int(stmt, 3, domain->provider);
    stmt_int(stmt, 4, (int64_t)domain->n_accounts);
    int64_t taken;
    if (!stmt_run(stmt, &taken, reterr)) return false;
    return taken || error_set(reterr, ERR_CONFLICT, "%.*s is no longer in stock", STR_ARG(domain->name));
}

/* The workspace's own domain NAME, still with room for N more mailboxes. */
static bool find_own(struct db *db, const struct reservation *r, const struct reserve_domain *domain,
                     char ret_id[UUID_TEXT], struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "SELECT d.id, d.provider, (SELECT COUNT(*) FROM accounts a WHERE a.domain_id = d.id AND a.active = 1)"
            " FROM domains d WHERE d.name = $1 AND d.active = 1 AND d.workspace_id = $2"
            " AND d.state NOT IN ('reserved', 'failed', 'cancelled')");
    stmt_text(stmt, 1, domain->name);
    stmt_text(stmt, 2, r->workspace_id);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_END)
        return error_set(reterr, ERR_CONFLICT, "%.*s no longer belongs to this workspace", STR_ARG(domain->name));
    int64_t provider = stmt_col_int(stmt, 1), accounts = stmt_col_int(stmt, 2);
    row_uuid(stmt, 0, ret_id);
    stmt_done(stmt);
    if (provider != (int64_t)domain->provider || provider == PROVIDER_MICROSOFT)
        return error_set(reterr, ERR_CONFLICT, "the provider of %.*s changed", STR_ARG(domain->name));
    if (accounts + (int64_t)domain->n_accounts > ACCOUNTS_MAX)
        return error_set(reterr, ERR_CONFLICT, "%.*s has %lld mailboxes meanwhile, %d is the most",
                         STR_ARG(domain->name), (long long)accounts, ACCOUNTS_MAX);
    return true;
}

static bool insert_account(struct db *db, const struct reservation *r, const struct reserve_domain *domain,
                           const char *domain_id, const struct reserve_account *account, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO accounts (id, workspace_id, domain_id, order_id, email, first_name, last_name,"
                    " sealed_password, provider, is_pre_warmed, state, active, reason, created_ms, cancelled_ms,"
                    " month_price) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'reserved', 1, '', $11, 0, $12)");
    stmt_text(stmt, 1, str_of(account->id));
    stmt_text(stmt, 2, r->workspace_id);
    stmt_text(stmt, 3, str_of(domain_id));
    stmt_text(stmt, 4, str_of(r->order_id));
    stmt_text(stmt, 5, account->email);
    stmt_text(stmt, 6, account->account.first_name);
    stmt_text(stmt, 7, account->account.last_name);
    stmt_blob(stmt, 8, account->sealed_password);
    stmt_int(stmt, 9, domain->provider);
    stmt_int(stmt, 10, r->type == ORDER_PRE_WARMED_UP);
    stmt_int(stmt, 11, r->now_ms);
    stmt_int(stmt, 12, domain->mailbox_price);
    return stmt_queue_named(stmt, account->email, reterr);
}

/* *POSITION counts the order's lines. */
static bool insert_lines(struct db *db, const struct reservation *r, const struct reserve_domain *domain,
                         const char *domain_id, int64_t *position, struct error *reterr) {
    for (size_t i = 0; i < domain->n_lines; i++) {
        struct bill_line line = domain->lines[i];
        line.domain_id = str_of(domain_id);
        if (!bill_line_add(db, str_of(r->order_id), (*position)++, &line, reterr)) return false;
    }
    return true;
}

/* What others may be after, too. */
static bool hold_name(struct db *db, const struct reservation *r, const struct reserve_domain *domain,
                      struct error *reterr) {
    if (r->type == ORDER_EXTRA_ACCOUNTS) return true;
    if (r->type == ORDER_PRE_WARMED_UP && !take_stock(db, r, domain, reterr)) return false;
    return insert_domain(db, r, domain, reterr);
}

struct named {
    const struct reserve_domain *domain;
};

static int by_name(const void *a, const void *b) {
    const struct named *x = a, *y = b;
    return str_cmp(x->domain->name, y->domain->name);
}

/* In the order of names: of two orders that are after the same names one waits for the other, and never both. */
static bool hold_names(struct db *db, const struct reservation *r, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct named *names = ARENA_ARRAY(arena, r->n_domains, struct named);
    for (size_t i = 0; i < r->n_domains; i++) names[i].domain = &r->domains[i];
    if (r->n_domains > 1) qsort(names, r->n_domains, sizeof *names, by_name);
    for (size_t i = 0; i < r->n_domains; i++)
        if (!hold_name(db, r, names[i].domain, reterr)) return false;
    return true;
}

static bool add_parts(struct db *db, const struct reservation *r, const struct reserve_domain *domain,
                      int64_t *position, struct error *reterr) {
    char own[UUID_TEXT];
    const char *id = domain->id;
    if (r->type == ORDER_EXTRA_ACCOUNTS) {
        if (!find_own(db, r, domain, own, reterr)) return false;
        id = own;
    }
    for (size_t i = 0; i < domain->n_accounts; i++)
        if (!insert_account(db, r, domain, id, &domain->accounts[i], reterr)) return false;
    return insert_lines(db, r, domain, id, position, reterr);
}

static bool ask_stocked(struct db *db, const struct reservation *r, struct arena *arena, struct stmt **ret,
                        struct error *reterr) {
    struct str *names = ARENA_ARRAY(arena, r->n_domains, struct str);
    for (size_t i = 0; i < r->n_domains; i++) names[i] = r->domains[i].name;
    *ret = db_stmt(db, "SELECT j.value FROM list($1) j"
                       " WHERE EXISTS (SELECT 1 FROM stock WHERE domain = j.value AND order_id IS NULL)");
    stmt_list(*ret, 1, names, r->n_domains);
    return stmt_ask(*ret, reterr);
}

/* A name that came into stock since the check is no longer free to register. */
static bool is_not_stocked(struct stmt *asked, struct error *reterr) {
    enum db_step step = stmt_step(asked, reterr);
    if (step != DB_ROW) return step == DB_END;
    error_set(reterr, ERR_CONFLICT, "%.*s was stocked meanwhile", STR_ARG(stmt_col_text(asked, 0)));
    stmt_done(asked);
    return false;
}

/* The prices that it was quoted by, and its names' being free, are still what is true now. */
static bool still_holds(struct db *db, const struct reservation *r, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct stmt *prices, *stocked = NULL;
    int64_t version;
    if (!price_book_ask_version(db, r->now_ms, &prices, reterr) ||
        (r->type == ORDER_DFY && !ask_stocked(db, r, arena, &stocked, reterr)) ||
        !price_book_version(prices, &version, reterr))
        return false;
    if (version != r->price_version) return error_set(reterr, ERR_CONFLICT, "prices changed meanwhile");
    return !stocked || is_not_stocked(stocked, reterr);
}

/* A promotion counts the domains whose first year is free. */
static bool use_promotion(struct db *db, const struct reservation *r, struct error *reterr) {
    int64_t n_free = 0;
    for (size_t i = 0; i < r->n_domains; i++)
        for (size_t j = 0; j < r->domains[i].n_lines; j++)
            n_free += r->domains[i].lines[j].kind == LINE_DOMAIN_YEAR && r->domains[i].lines[j].amount == 0;
    if (r->over_limit) return promotion_count(db, r->promotion_id, r->workspace_id, n_free, reterr);
    return promotion_use(db, r->promotion_id, r->workspace_id, n_free, r->now_ms, reterr);
}

bool order_reserve(struct db *db, const struct reservation *reservation, struct error *reterr) {
    if (!still_holds(db, reservation, reterr) || !insert_order(db, reservation, reterr) ||
        !hold_names(db, reservation, reterr))
        return false;
    int64_t position = 0;
    for (size_t i = 0; i < reservation->n_domains; i++)
        if (!add_parts(db, reservation, &reservation->domains[i], &position, reterr)) return false;
    /* Last, as all orders that use it wait for each other from here on. */
    return !reservation->promotion_id.n || use_promotion(db, reservation, reterr);
}
