/* How orders end: settled, when they are paid, or released. */
#include "store/orders.h"

#include "core/calendar.h"
#include "store/books.h"
#include "store/cancel.h"
#include "store/events.h"
#include "store/idempotency.h"
#include "store/invoices.h"
#include "store/promotions.h"
#include "store/renewals.h"
#include "store/rows.h"

#define STEP_COLUMNS                                                                                                   \
    "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason) "

/* All steps of an order that brings new domains. Pre-warmed ones are registered and published already. */
static bool insert_steps(struct db *db, struct str order_id, bool pre_warmed, int64_t now_ms, struct error *reterr) {
    static const enum step_kind kinds[] = {STEP_REGISTER_DOMAIN, STEP_PUBLISH_DNS, STEP_CREATE_MAILBOX,
                                           STEP_SET_FORWARDING};
    /* One statement: SQLite keeps what it would need to undo each that writes several rows. */
    struct stmt *stmt = db_stmt(
        db, STEP_COLUMNS
        "SELECT id, '', $4, CAST($5 AS BIGINT), order_id, workspace_id, 'due', 0, CAST($2 AS BIGINT), '' FROM domains "
        "WHERE order_id = $1"
        " AND is_pre_warmed = 0"
        " UNION ALL SELECT id, '', $6, CAST($7 AS BIGINT), order_id, workspace_id, 'blocked', 0, $2, '' FROM domains"
        " WHERE order_id = $1 AND is_pre_warmed = 0"
        " UNION ALL SELECT domain_id, id, $8, CAST($9 AS BIGINT), order_id, workspace_id, $3, 0, $2, '' FROM accounts"
        " WHERE order_id = $1"
        " UNION ALL SELECT id, '', $10, CAST($11 AS BIGINT), order_id, workspace_id, $3, 0, $2, '' FROM domains"
        " WHERE order_id = $1 AND forwarding <> ''");
    stmt_text(stmt, 1, order_id);
    stmt_int(stmt, 2, now_ms);
    stmt_text(stmt, 3, str_of(step_state_names[pre_warmed ? STEP_DUE : STEP_BLOCKED]));
    for (int i = 0; i < (int)ARRAY_LEN(kinds); i++) {
        stmt_text(stmt, 4 + 2 * i, str_of(step_kind_names[kinds[i]]));
        stmt_int(stmt, 5 + 2 * i, step_rank(kinds[i]));
    }
    return stmt_queue(stmt, reterr);
}

/*
 * The work of an order that brings new domains, and when they are paid for again. What costs nothing a month has no
 * renewal; a domain has to be renewed at its registrar at any price. CREATED_MS: the day of the order counts, however
 * late its payment was known.
 */
static bool settle_new(struct db *db, struct str order_id, bool pre_warmed, int64_t created_ms, int64_t now_ms,
                       struct error *reterr) {
    if (!insert_steps(db, order_id, pre_warmed, now_ms, reterr)) return false;
    struct stmt *stmt =
        db_stmt(db, "UPDATE accounts SET state = 'pending', renews_ms = CASE WHEN month_price > 0 THEN $2 ELSE 0 END"
                    " WHERE order_id = $1 AND state = 'reserved'");
    stmt_text(stmt, 1, order_id);
    stmt_int(stmt, 2, calendar_first_15th(created_ms));
    if (!stmt_queue(stmt, reterr)) return false;
    stmt = db_stmt(
        db, "UPDATE domains SET month_renews_ms = CASE WHEN month_price > 0 THEN $2 ELSE 0 END, year_renews_ms = $3,"
            " state = CASE WHEN EXISTS (SELECT 1 FROM steps s WHERE s.domain_id = domains.id)"
            " THEN 'provisioning' ELSE 'ready' END WHERE order_id = $1 AND state = 'reserved'");
    stmt_text(stmt, 1, order_id);
    stmt_int(stmt, 2, calendar_first_15th(created_ms));
    stmt_int(stmt, 3, calendar_next_anniversary(created_ms, created_ms));
    return stmt_queue(stmt, reterr);
}

/*
 * The work of an order that adds mailboxes. The domain may have been lost between reservation and payment: its mailbox
 * then fails. While it is not published yet, the mailbox waits with the others.
 */
static bool settle_extra(struct db *db, struct str order_id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, STEP_COLUMNS
                "SELECT a.domain_id, a.id, $2, $3, a.order_id, a.workspace_id,"
                " CASE WHEN d.state IN ('failed', 'cancelled') THEN 'skipped'"
                " WHEN EXISTS (SELECT 1 FROM steps s WHERE s.domain_id = d.id AND s.rank < $3 AND s.state <> 'done')"
                " THEN 'blocked' ELSE 'due' END, 0, $4,"
                " CASE WHEN d.state IN ('failed', 'cancelled') THEN 'the domain was lost' ELSE '' END"
                " FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.order_id = $1");
    stmt_text(stmt, 1, order_id);
    stmt_text(stmt, 2, str_of(step_kind_names[STEP_CREATE_MAILBOX]));
    stmt_int(stmt, 3, step_rank(STEP_CREATE_MAILBOX));
    stmt_int(stmt, 4, now_ms);
    return stmt_queue(stmt, reterr) &&
           rows_change(db,
                       "UPDATE accounts SET state = 'failed', active = 0, reason = 'the domain was lost'"
                       " WHERE order_id = $1 AND state = 'reserved'"
                       " AND domain_id IN (SELECT id FROM domains WHERE state IN ('failed', 'cancelled'))",
                       order_id, reterr) &&
           rows_change(db, "UPDATE accounts SET state = 'pending' WHERE order_id = $1 AND state = 'reserved'", order_id,
                       reterr) &&
           rows_change(db,
                       "UPDATE domains SET state = 'provisioning' WHERE state IN ('ready', 'partial')"
                       " AND id IN (SELECT domain_id FROM accounts WHERE order_id = $1 AND state = 'pending')",
                       order_id, reterr) &&
           renewal_begin(db, order_id, reterr);
}

/* What the end of an order needs to know of it; text in fixed places, as the row is changed next. */
struct ending {
    enum order_state state;
    enum order_type type;
    char workspace_id[UUID_TEXT];
    cents amount;
    int64_t created_ms;
    int64_t domains;        /* that it is about; extra accounts name theirs, too */
    struct str key, answer; /* from an arena, here and below */
    struct str driver, brand, last4, promotion_id;
    struct actor actor;
};

static bool read_ending(struct db *db, struct str order_id, struct arena *arena, struct ending *ret,
                        struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db,
        "SELECT state, type, workspace_id, idempotency_key, answer, actor_key_id, actor_address, actor_agent, amount,"
        " payment_driver, card_brand, card_last4, promotion_id, created_ms, CASE WHEN type = 'extra_accounts'"
        " THEN (SELECT COUNT(DISTINCT domain_id) FROM accounts WHERE order_id = $1)"
        " ELSE (SELECT COUNT(*) FROM domains WHERE order_id = $1) END FROM orders WHERE id = $1");
    stmt_text(stmt, 1, order_id);
    if (!row_find(stmt, reterr, "there is no order %.*s", STR_ARG(order_id))) return false;
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
    ret->created_ms = stmt_col_int(stmt, 13);
    ret->domains = stmt_col_int(stmt, 14);
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
    return stmt_queue(stmt, reterr);
}

/* Tells those who ask later: the audit record, whose id is the order's, and the event. */
static bool tell_placed(struct db *db, struct str order_id, const struct ending *order, struct arena *arena,
                        int64_t now_ms, struct error *reterr) {
    const struct audit_record record = {
        .id = order_id,
        .workspace_id = str_of(order->workspace_id),
        .activity = ACTIVITY_ORDER_PLACED,
        .actor = order->actor,
        .affected = order->domains,
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

/* Its idempotency key, if it has one, answers with ANSWER from now on; empty: as if it had never come. */
static bool end_key(struct db *db, const struct ending *order, struct str answer, int64_t now_ms,
                    struct error *reterr) {
    const struct idempotency_hold hold = {.workspace_id = str_of(order->workspace_id), .key = order->key};
    if (!hold.key.n) return true;
    return answer.n ? idempotency_store(db, &hold, answer, now_ms, NULL, reterr) : idempotency_drop(db, &hold, reterr);
}

bool order_settle(struct db *db, struct str order_id, struct str reference, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct ending order = {.state = ORDER_RESERVED};
    struct stmt *lines; /* they stand still since the order was reserved */
    if (!invoices_ask_lines(db, order_id, &lines, reterr) || !read_ending(db, order_id, arena, &order, reterr))
        return false;
    if (order.state == ORDER_PLACED) return true;
    if (!order_may_move(order.state, ORDER_PLACED))
        return error_set(reterr, ERR_CONFLICT, "order %.*s was released: its names are given back", STR_ARG(order_id));
    if (!end_order(db, order_id, ORDER_PLACED, STR(""), now_ms, reterr)) return false;
    bool pre_warmed = order.type == ORDER_PRE_WARMED_UP;
    if (order.type == ORDER_EXTRA_ACCOUNTS) {
        if (!settle_extra(db, order_id, now_ms, reterr)) return false;
    } else if (!settle_new(db, order_id, pre_warmed, order.created_ms, now_ms, reterr)) {
        return false;
    }
    if (!tell_placed(db, order_id, &order, arena, now_ms, reterr) || !end_key(db, &order, order.answer, now_ms, reterr))
        return false;
    /* Last, as invoices are numbered one after another. */
    struct charged charge = charge_of(order_id, &order, reference, now_ms);
    charge.lines = lines;
    return books_charged(db, &charge, reterr);
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
        !rows_change(db, "DELETE FROM bill_lines WHERE bill_id = $1", order_id, reterr) ||
        !rows_change(db, "DELETE FROM accounts WHERE order_id = $1 AND state = 'reserved'", order_id, reterr) ||
        !rows_change(db, "DELETE FROM domains WHERE order_id = $1 AND state = 'reserved'", order_id, reterr) ||
        !rows_change(db, "UPDATE stock SET order_id = NULL WHERE order_id = $1", order_id, reterr))
        return false;
    return end_key(db, &order, answer, now_ms, reterr);
}
