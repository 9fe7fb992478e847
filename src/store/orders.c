#include "store/orders.h"

#include "store/bills.h"
#include "store/books.h"
#include "store/cancel.h"
#include "store/events.h"
#include "store/idempotency.h"
#include "store/price_book.h"
#include "store/promotions.h"
#include "store/renewals.h"
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
    return stmt_run(stmt, NULL, reterr);
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
    if (stmt_run(stmt, NULL, reterr)) return true;
    if (reterr->code != ERR_CONFLICT) return false;
    return error_set(reterr, ERR_CONFLICT, "%.*s was taken meanwhile", STR_ARG(domain->name));
}

/* A name that came into stock since the check is no longer free to register. */
static bool is_not_stocked(struct db *db, const struct reserve_domain *domain, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM stock WHERE domain = $1 AND order_id IS NULL");
    stmt_text(stmt, 1, domain->name);
    enum db_step step = stmt_step(stmt, reterr);
    stmt_done(stmt);
    if (step != DB_ROW) return step == DB_END;
    return error_set(reterr, ERR_CONFLICT, "%.*s was stocked meanwhile", STR_ARG(domain->name));
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
    if (stmt_run(stmt, NULL, reterr)) return true;
    if (reterr->code != ERR_CONFLICT) return false;
    return error_set(reterr, ERR_CONFLICT, "%.*s was taken meanwhile", STR_ARG(account->email));
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

static bool reserve_domain(struct db *db, const struct reservation *r, const struct reserve_domain *domain,
                           int64_t *position, struct error *reterr) {
    char own[UUID_TEXT];
    const char *id = domain->id;
    switch (r->type) {
    case ORDER_DFY:
        if (!is_not_stocked(db, domain, reterr) || !insert_domain(db, r, domain, reterr)) return false;
        break;
    case ORDER_PRE_WARMED_UP:
        if (!take_stock(db, r, domain, reterr) || !insert_domain(db, r, domain, reterr)) return false;
        break;
    case ORDER_EXTRA_ACCOUNTS:
        if (!find_own(db, r, domain, own, reterr)) return false;
        id = own;
        break;
    }
    for (size_t i = 0; i < domain->n_accounts; i++)
        if (!insert_account(db, r, domain, id, &domain->accounts[i], reterr)) return false;
    return insert_lines(db, r, domain, id, position, reterr);
}

/* The prices that it was quoted by are still those of now. */
static bool prices_hold(struct db *db, const struct reservation *r, struct error *reterr) {
    int64_t version;
    if (!price_book_version(db, r->now_ms, &version, reterr)) return false;
    return version == r->price_version || error_set(reterr, ERR_CONFLICT, "prices changed meanwhile");
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
    if (!prices_hold(db, reservation, reterr)) return false;
    if (reservation->promotion_id.n && !use_promotion(db, reservation, reterr)) return false;
    if (!insert_order(db, reservation, reterr)) return false;
    int64_t position = 0;
    for (size_t i = 0; i < reservation->n_domains; i++)
        if (!reserve_domain(db, reservation, &reservation->domains[i], &position, reterr)) return false;
    return true;
}

/* Runs one change of an order's rows; SQL names the order $1. */
static bool run_on(struct db *db, const char *sql, struct str order_id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    stmt_text(stmt, 1, order_id);
    return stmt_run(stmt, NULL, reterr);
}

/* A step of KIND for each of the order's domains; SQL has $1 order, $2 kind, $3 rank, $4 state, $5 now. */
static bool insert_steps(struct db *db, const char *sql, struct str order_id, enum step_kind kind,
                         enum step_state state, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    stmt_text(stmt, 1, order_id);
    stmt_text(stmt, 2, str_of(step_kind_names[kind]));
    stmt_int(stmt, 3, step_rank(kind));
    stmt_text(stmt, 4, str_of(step_state_names[state]));
    stmt_int(stmt, 5, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

#define STEP_COLUMNS                                                                                                   \
    "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason) "

/* The work of an order that brings new domains. Pre-warmed ones are registered and published already. */
static bool settle_domains(struct db *db, struct str order_id, bool pre_warmed, int64_t now_ms, struct error *reterr) {
    static const char each_domain[] =
        STEP_COLUMNS "SELECT id, '', $2, $3, order_id, workspace_id, $4, 0, $5, '' FROM domains WHERE order_id = $1";
    static const char each_forwarding[] =
        STEP_COLUMNS "SELECT id, '', $2, $3, order_id, workspace_id, $4, 0, $5, '' FROM domains"
                     " WHERE order_id = $1 AND forwarding <> ''";
    static const char each_account[] = STEP_COLUMNS
        "SELECT domain_id, id, $2, $3, order_id, workspace_id, $4, 0, $5, '' FROM accounts WHERE order_id = $1";
    if (!pre_warmed && (!insert_steps(db, each_domain, order_id, STEP_REGISTER_DOMAIN, STEP_DUE, now_ms, reterr) ||
                        !insert_steps(db, each_domain, order_id, STEP_PUBLISH_DNS, STEP_BLOCKED, now_ms, reterr)))
        return false;
    enum step_state last = pre_warmed ? STEP_DUE : STEP_BLOCKED;
    return insert_steps(db, each_account, order_id, STEP_CREATE_MAILBOX, last, now_ms, reterr) &&
           insert_steps(db, each_forwarding, order_id, STEP_SET_FORWARDING, last, now_ms, reterr) &&
           run_on(db, "UPDATE accounts SET state = 'pending' WHERE order_id = $1 AND state = 'reserved'", order_id,
                  reterr) &&
           run_on(db,
                  "UPDATE domains SET state = CASE WHEN EXISTS (SELECT 1 FROM steps s WHERE s.domain_id = domains.id)"
                  " THEN 'provisioning' ELSE 'ready' END WHERE order_id = $1 AND state = 'reserved'",
                  order_id, reterr);
}

/*
 * The work of an order that adds mailboxes. The domain may have been lost between reservation and payment: its mailbox
 * then fails. While it is not published yet, the mailbox waits with the others.
 */
static bool settle_accounts(struct db *db, struct str order_id, int64_t now_ms, struct error *reterr) {
    static const char each_account[] = STEP_COLUMNS
        "SELECT a.domain_id, a.id, $2, $3, a.order_id, a.workspace_id,"
        " CASE WHEN d.state IN ('failed', 'cancelled') THEN 'skipped'"
        " WHEN EXISTS (SELECT 1 FROM steps s WHERE s.domain_id = d.id AND s.rank < $3 AND s.state <> 'done')"
        " THEN 'blocked' ELSE $4 END, 0, $5,"
        " CASE WHEN d.state IN ('failed', 'cancelled') THEN 'the domain was lost' ELSE '' END"
        " FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.order_id = $1";
    return insert_steps(db, each_account, order_id, STEP_CREATE_MAILBOX, STEP_DUE, now_ms, reterr) &&
           run_on(db,
                  "UPDATE accounts SET state = 'failed', active = 0, reason = 'the domain was lost'"
                  " WHERE order_id = $1 AND state = 'reserved'"
                  " AND domain_id IN (SELECT id FROM domains WHERE state IN ('failed', 'cancelled'))",
                  order_id, reterr) &&
           run_on(db, "UPDATE accounts SET state = 'pending' WHERE order_id = $1 AND state = 'reserved'", order_id,
                  reterr) &&
           run_on(db,
                  "UPDATE domains SET state = 'provisioning' WHERE state IN ('ready', 'partial')"
                  " AND id IN (SELECT domain_id FROM accounts WHERE order_id = $1 AND state = 'pending')",
                  order_id, reterr);
}

/* What the end of an order needs to know of it; text in fixed places, as the row is changed next. */
struct ending {
    enum order_state state;
    enum order_type type;
    char workspace_id[UUID_TEXT];
    cents amount;
    struct str key, answer; /* from an arena, here and below */
    struct str driver, brand, last4, promotion_id;
    struct actor actor;
};

static bool read_ending(struct db *db, struct str order_id, struct arena *arena, struct ending *ret,
                        struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db,
        "SELECT state, type, workspace_id, idempotency_key, answer, actor_key_id, actor_address, actor_agent, amount,"
        " payment_driver, card_brand, card_last4, promotion_id FROM orders WHERE id = $1");
    stmt_text(stmt, 1, order_id);
    switch (stmt_step(stmt, reterr)) {
    case DB_FAIL:
        return false;
    case DB_END:
        return error_set(reterr, ERR_NOT_FOUND, "there is no order %.*s", STR_ARG(order_id));
    case DB_ROW:
        break;
    }
    ret->state = (enum order_state)row_word(stmt, 0, order_state_names, ORDER_STATE_END);
    ret->type = (enum order_type)row_word(stmt, 1, order_type_names, ARRAY_LEN(order_type_names));
    row_uuid(stmt, 2, ret->workspace_id);
    ret->key = row_text(stmt, 3, arena);
    ret->answer = row_text(stmt, 4, arena);
    ret->actor = (struct actor){row_text(stmt, 5, arena), row_text(stmt, 6, arena), row_text(stmt, 7, arena)};
    ret->amount = stmt_col_int(stmt, 8);
    ret->driver = row_text(stmt, 9, arena);
    ret->brand = row_text(stmt, 10, arena);
    ret->last4 = row_text(stmt, 11, arena);
    ret->promotion_id = row_text(stmt, 12, arena);
    stmt_done(stmt);
    return true;
}

/* The answer lives on under the idempotency key alone. */
static bool end_order(struct db *db, struct str order_id, enum order_state state, struct str reason, int64_t now_ms,
                      struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE orders SET state = $2, reason = $3, ended_ms = $4, answer = ''"
                                    " WHERE id = $1 AND state = 'reserved'");
    stmt_text(stmt, 1, order_id);
    stmt_text(stmt, 2, str_of(order_state_names[state]));
    stmt_text(stmt, 3, reason);
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* The domains that an order is about; extra accounts name theirs, too. */
static bool count_domains(struct db *db, struct str order_id, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COUNT(DISTINCT domain_id) FROM accounts WHERE order_id = $1");
    stmt_text(stmt, 1, order_id);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

/* Tells those who ask later: the audit record, whose id is the order's, and the event. */
static bool tell_placed(struct db *db, struct str order_id, const struct ending *order, struct arena *arena,
                        int64_t now_ms, struct error *reterr) {
    int64_t domains;
    if (!count_domains(db, order_id, &domains, reterr)) return false;
    const struct audit_record record = {
        .id = order_id,
        .workspace_id = str_of(order->workspace_id),
        .activity = ACTIVITY_ORDER_PLACED,
        .actor = order->actor,
        .affected = domains,
        .detail = arena_printf(arena, "{\"order_id\":\"%.*s\",\"order_type\":\"%s\"}", STR_ARG(order_id),
                               order_type_names[order->type]),
        .now_ms = now_ms,
    };
    const struct event event = {
        .workspace_id = record.workspace_id, .type = EVENT_ORDER_PLACED, .order_id = order_id, .now_ms = now_ms};
    return audit_add(db, &record, reterr) && event_add(db, &event, reterr);
}

static struct charged charge_of(struct str order_id, const struct ending *order, struct str reference, int64_t now_ms) {
    return (struct charged){
        .kind = BILL_ORDER,
        .bill_id = order_id,
        .workspace_id = str_of(order->workspace_id),
        .payment_id = order_id,
        .driver = order->driver,
        .reference = reference,
        .brand = order->brand,
        .last4 = order->last4,
        .amount = order->amount,
        .now_ms = now_ms,
    };
}

bool order_settle(struct db *db, struct str order_id, struct str reference, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct ending order = {.state = ORDER_RESERVED};
    if (!read_ending(db, order_id, arena, &order, reterr)) return false;
    if (order.state == ORDER_PLACED) return true;
    if (!order_may_move(order.state, ORDER_PLACED))
        return error_set(reterr, ERR_CONFLICT, "order %.*s was released: its names are given back", STR_ARG(order_id));
    if (!end_order(db, order_id, ORDER_PLACED, STR(""), now_ms, reterr)) return false;
    if (order.type == ORDER_EXTRA_ACCOUNTS) {
        if (!settle_accounts(db, order_id, now_ms, reterr)) return false;
    } else if (!settle_domains(db, order_id, order.type == ORDER_PRE_WARMED_UP, now_ms, reterr)) {
        return false;
    }
    if (!renewal_begin(db, order_id, reterr)) return false;
    struct charged charge = charge_of(order_id, &order, reference, now_ms);
    if (!books_charged(db, &charge, reterr) || !tell_placed(db, order_id, &order, arena, now_ms, reterr)) return false;
    return !order.key.n || idempotency_store(db, str_of(order.workspace_id), order.key, order.answer, now_ms, reterr);
}

static bool give_promotion_back(struct db *db, struct str order_id, const struct ending *order, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT COUNT(*) FROM bill_lines WHERE bill_id = $1 AND kind = 'domain_year' AND amount = 0");
    stmt_text(stmt, 1, order_id);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    int64_t n_free = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return promotion_give_back(db, order->promotion_id, str_of(order->workspace_id), n_free, reterr);
}

bool order_release(struct db *db, struct str order_id, struct str decline, struct str reason, struct str answer,
                   int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct ending order = {.state = ORDER_RESERVED};
    if (!read_ending(db, order_id, arena, &order, reterr)) return false;
    if (order.state == ORDER_PAYMENT_FAILED) return true;
    if (!order_may_move(order.state, ORDER_PAYMENT_FAILED))
        return error_set(reterr, ERR_CONFLICT, "order %.*s is placed: it cannot be released", STR_ARG(order_id));
    struct charged charge = charge_of(order_id, &order, STR(""), now_ms);
    if (!end_order(db, order_id, ORDER_PAYMENT_FAILED, decline.n ? decline : reason, now_ms, reterr) ||
        (decline.n && !books_declined(db, &charge, decline, reason, reterr)) ||
        !cancel_release(db, order_id, now_ms, reterr) ||
        (order.promotion_id.n && !give_promotion_back(db, order_id, &order, reterr)) ||
        !run_on(db, "DELETE FROM bill_lines WHERE bill_id = $1", order_id, reterr) ||
        !run_on(db, "DELETE FROM accounts WHERE order_id = $1 AND state = 'reserved'", order_id, reterr) ||
        !run_on(db, "DELETE FROM domains WHERE order_id = $1 AND state = 'reserved'", order_id, reterr) ||
        !run_on(db, "UPDATE stock SET order_id = NULL WHERE order_id = $1", order_id, reterr))
        return false;
    if (!order.key.n) return true;
    return answer.n ? idempotency_store(db, str_of(order.workspace_id), order.key, answer, now_ms, reterr)
                    : idempotency_drop(db, str_of(order.workspace_id), order.key, reterr);
}
