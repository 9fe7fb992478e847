#include "step/settle.h"

#include "base/log.h"
#include "driver/payment/payment.h"
#include "step/checkout.h"
#include "store/orders.h"
#include "store/refunds.h"

struct claim {
    int64_t now_ms, lease_until_ms;
    bool at_start;
    size_t max;
    struct arena *arena;
    struct unsettled *orders;
    size_t n;
};

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct claim *c = arg;
    return order_claim_unsettled(db, c->now_ms, c->at_start, c->lease_until_ms, c->max, c->arena, &c->orders, &c->n,
                                 reterr);
}

struct ending {
    const struct unsettled *order;
    enum outcome outcome;
    struct str reference, reason;
    int64_t now_ms, again_ms;
    struct ids *ids;
};

static bool ending_change(struct db *db, void *arg, struct error *reterr) {
    const struct ending *e = arg;
    switch (e->outcome) {
    case OUTCOME_DONE:
        return refund_settle_order(db, e->ids, e->order->id, e->reference, e->now_ms, reterr);
    case OUTCOME_REFUSED:
        return order_release(db, e->order->id, STR(""), e->reason, STR(""), e->now_ms, reterr);
    case OUTCOME_UNKNOWN:
        break;
    }
    return order_postpone(db, e->order->id, e->again_ms, e->reason, reterr);
}

static enum outcome ask(const struct world *world, const struct unsettled *order, struct payment_answer *ret) {
    const struct payment_charge job = {
        .key = order->id,
        .token = order->card_token,
        .amount = order->amount,
        .workspace_id = order->workspace_id,
        .description = STR("Mailbox order"),
        .created_ms = order->created_ms,
    };
    struct payment *payment = drivers_payment(world->drivers, order->payment_driver);
    if (payment) return payment_close(payment, &job, ret);
    return answer_set(&ret->answer, OUTCOME_UNKNOWN, "the payment driver %.*s is not open here",
                      STR_ARG(order->payment_driver));
}

static bool settle_one(const struct world *world, const struct unsettled *order, struct error *reterr) {
    if (order->checkout_expires_ms && order->amount > 0) return checkout_end_due(world, order, reterr);
    struct payment_answer answer = {0};
    enum outcome outcome = OUTCOME_DONE; /* an order that costs nothing has nothing to ask about */
    if (WORLD_PLANTED(world, PLANT_FORGET_PAID))
        outcome = OUTCOME_REFUSED;
    else if (order->amount > 0)
        outcome = ask(world, order, &answer);
    world_reached(world, "settle.asked");

    int64_t now = clock_now(world->clock);
    int64_t wait = world_wait_ms(world, order->attempts + 1, 0);
    struct ending ending = {
        .order = order,
        .ids = world->ids,
        .outcome = outcome,
        .reference = str_of(answer.reference),
        .reason =
            outcome == OUTCOME_REFUSED ? STR("not charged before dfyd was interrupted") : str_of(answer.answer.reason),
        .now_ms = now,
        .again_ms = now + (answer.answer.retry_after_ms > wait ? answer.answer.retry_after_ms : wait),
    };
    if (!store_write_of(world->store, order->workspace_id, ending_change, &ending, reterr)) return false;
    world_reached(world, "settle.recorded");

    static const char *const events[] = {
        [OUTCOME_DONE] = "order_settled", [OUTCOME_REFUSED] = "order_released", [OUTCOME_UNKNOWN] = "order_postponed"};
    log_event(outcome == OUTCOME_UNKNOWN ? LOG_WARN : LOG_INFO, events[outcome], LOG_STR("order", order->id),
              LOG_STR("workspace", order->workspace_id), LOG_INT("cents", order->amount),
              LOG_STR("reason", ending.reason));
    return true;
}

bool settle_due(const struct world *world, bool at_start, size_t max, size_t *ret_n, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    int64_t now = clock_now(world->clock);
    struct claim claim = {
        .now_ms = now,
        .lease_until_ms = now + world->lease_ms,
        .at_start = at_start,
        .max = max,
        .arena = arena,
    };
    if (!store_claim(world->store, claim_change, &claim, reterr)) return false;
    if (claim.n) world_reached(world, "settle.claimed");
    for (size_t i = 0; i < claim.n && world_lease_lasts(world, claim.lease_until_ms); i++)
        if (!settle_one(world, &claim.orders[i], reterr)) return false;
    *ret_n = claim.n;
    return true;
}
