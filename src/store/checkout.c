#include "store/checkout.h"

#include "store/books.h"
#include "store/idempotency.h"
#include "store/orders.h"
#include "store/refunds.h"
#include "store/rows.h"
#include "store/workspaces.h"

/* What happens to an idempotency key when its order gets a page. */
static bool read_key(struct db *db, struct str order_id, struct arena *arena, struct idempotency_hold *ret,
                     struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT workspace_id, idempotency_key FROM orders WHERE id = $1 AND state = 'reserved'");
    stmt_text(stmt, 1, order_id);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_END)
        return error_set(reterr, ERR_CONFLICT, "order %.*s is not reserved any more", STR_ARG(order_id));
    *ret = (struct idempotency_hold){.workspace_id = row_text(stmt, 0, arena), .key = row_text(stmt, 1, arena)};
    stmt_done(stmt);
    return true;
}

bool checkout_opened(struct db *db, const struct checkout_opened *opened, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct idempotency_hold key = {.claimed_ms = 0};
    bool held;
    if (!read_key(db, opened->order_id, arena, &key, reterr)) return false;
    struct stmt *stmt =
        db_stmt(db, "UPDATE orders SET checkout_url = $2, checkout_reference = $3, settle_after_ms = $4,"
                    " idempotency_key = '', answer = '' WHERE id = $1");
    stmt_text(stmt, 1, opened->order_id);
    stmt_text(stmt, 2, opened->url);
    stmt_text(stmt, 3, opened->reference);
    stmt_int(stmt, 4, opened->look_ms);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    return !key.key.n || idempotency_store(db, &key, opened->answer, opened->now_ms, &held, reterr);
}

bool checkout_get(struct db *db, struct str order_id, struct arena *arena, struct checkout *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "SELECT o.state, o.id, o.workspace_id, o.payment_driver, o.checkout_url, o.checkout_reference, o.amount,"
            " o.created_ms, o.checkout_expires_ms,"
            " (SELECT COUNT(DISTINCT a.domain_id) FROM accounts a WHERE a.order_id = o.id),"
            " (SELECT COUNT(*) FROM accounts a WHERE a.order_id = o.id), o.paid_late"
            " FROM orders o WHERE o.id = $1 AND o.checkout_expires_ms > 0");
    stmt_text(stmt, 1, order_id);
    if (!row_find(stmt, reterr, "there is no such order to be paid")) return false;
    *ret = (struct checkout){
        .state = (enum order_state)row_word(stmt, 0, order_state_names, ORDER_STATE_END),
        .id = row_text(stmt, 1, arena),
        .workspace_id = row_text(stmt, 2, arena),
        .payment_driver = row_text(stmt, 3, arena),
        .url = row_text(stmt, 4, arena),
        .reference = row_text(stmt, 5, arena),
        .amount = stmt_col_int(stmt, 6),
        .created_ms = stmt_col_int(stmt, 7),
        .expires_ms = stmt_col_int(stmt, 8),
        .domains = stmt_col_int(stmt, 9),
        .accounts = stmt_col_int(stmt, 10),
        .is_paid_late = stmt_col_int(stmt, 11) != 0,
    };
    stmt_done(stmt);
    return true;
}

bool checkout_look_at(struct db *db, struct str order_id, int64_t again_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE orders SET settle_after_ms = $2 WHERE id = $1 AND state = 'reserved'");
    stmt_text(stmt, 1, order_id);
    stmt_int(stmt, 2, again_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool checkout_look_at_all(struct db *db, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE orders SET settle_after_ms = $1 WHERE state = 'reserved'"
                                    " AND checkout_reference <> '' AND settle_after_ms > $1");
    stmt_int(stmt, 1, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* ---- paid ---- */

/* What is written down of it before it is settled, so that the books have it. */
static bool name_card(struct db *db, struct str order_id, const struct checkout_card *card, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE orders SET card_token = $2, card_brand = $3, card_last4 = $4 WHERE id = $1");
    stmt_text(stmt, 1, order_id);
    stmt_text(stmt, 2, card->token);
    stmt_text(stmt, 3, card->brand);
    stmt_text(stmt, 4, card->last4);
    return stmt_run(stmt, NULL, reterr);
}

static bool keep_card(struct db *db, const struct checkout *order, const struct checkout_card *card,
                      struct arena *arena, int64_t now_ms, struct error *reterr) {
    struct card has;
    if (!card->token.n) return true;
    if (!card_get(db, order->workspace_id, arena, &has, reterr)) return false;
    if (has.exists && !card->is_default) return true;
    const struct card kept = {
        .exists = true,
        .token = card->token,
        .brand = card->brand,
        .last4 = card->last4,
        .name_on_card = card->name,
        .driver = order->payment_driver,
    };
    return card_set(db, order->workspace_id, &kept, now_ms, reterr);
}

/* *ret_first: whether it was not known before. */
static bool mark_late(struct db *db, struct str order_id, bool *ret_first, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE orders SET paid_late = 1 WHERE id = $1 AND paid_late = 0");
    stmt_text(stmt, 1, order_id);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_first = changed > 0;
    return true;
}

/* The names were given back already: the money is entered and goes back whole. */
static bool give_back(struct db *db, struct ids *ids, const struct checkout *order, struct str reference,
                      const struct checkout_card *card, int64_t now_ms, struct error *reterr) {
    const struct charged charge = {
        .kind = BILL_ORDER,
        .bill_id = order->id,
        .workspace_id = order->workspace_id,
        .payment_id = order->id,
        .driver = order->payment_driver,
        .reference = reference,
        .brand = card->brand,
        .last4 = card->last4,
        .amount = order->amount,
        .now_ms = now_ms,
    };
    char refund_id[UUID_TEXT];
    return books_charged(db, &charge, reterr) &&
           refund_make(db, ids, order->id, order->amount, STR("paid after the order had expired"), now_ms, refund_id,
                       reterr);
}

bool checkout_paid(struct db *db, struct ids *ids, struct str order_id, struct str reference,
                   const struct checkout_card *card, int64_t now_ms, enum checkout_end *ret, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(2048);
    struct checkout order;
    if (!checkout_get(db, order_id, arena, &order, reterr)) return false;
    *ret = CHECKOUT_PLACED;
    switch (order.state) {
    case ORDER_RESERVED:
        return name_card(db, order_id, card, reterr) &&
               refund_settle_order(db, ids, order_id, reference, now_ms, reterr) &&
               keep_card(db, &order, card, arena, now_ms, reterr);
    case ORDER_PAYMENT_FAILED: {
        bool first;
        *ret = CHECKOUT_REFUNDED;
        if (!mark_late(db, order_id, &first, reterr)) return false;
        return !first || give_back(db, ids, &order, reference, card, now_ms, reterr);
    }
    default:
        return true;
    }
}
