#include "step/checkout.h"

#include "base/log.h"
#include "driver/payment/payment.h"
#include "store/workspaces.h"

enum {
    FIRST_LOOK_MS = 60 * 1000,
    NOTICE_LOOK_MS = 5 * 1000, /* after a notice that the provider did not confirm */
};

int64_t checkout_next_look(int64_t opened_ms, int64_t expires_ms, int64_t now_ms) {
    int64_t age = now_ms - opened_ms;
    int64_t next = now_ms + (age > FIRST_LOOK_MS ? age : FIRST_LOOK_MS);
    return next < expires_ms ? next : expires_ms > now_ms ? expires_ms : now_ms;
}

struct str checkout_return_path(struct str order_id, struct arena *arena) {
    return arena_printf(arena, "/checkout/%.*s", STR_ARG(order_id));
}

/* What is asked about, and what came of it. */
struct asking {
    const struct world *world;
    struct payment_charge charge;
    struct str driver, reference;
    int64_t expires_ms, attempts;
    bool is_notice;
    enum outcome outcome;
    struct payment_answer answer;
    struct card_facts card;
    int64_t now_ms, again_ms;
    enum checkout_end end;
};

/* Before its time is over a page is only looked at; one that nobody knows of is of no use to anybody. */
static void ask(struct asking *a) {
    struct payment *payment = drivers_payment(a->world->drivers, a->driver);
    if (!payment || !payment_has_checkout(payment))
        a->outcome = answer_set(&a->answer.answer, OUTCOME_UNKNOWN, "the payment driver %.*s is not open here",
                                STR_ARG(a->driver));
    else if (a->reference.n && clock_now(a->world->clock) < a->expires_ms)
        a->outcome = payment_checkout_look(payment, &a->charge, a->reference, &a->card, &a->answer);
    else
        a->outcome = payment_checkout_close(payment, &a->charge, a->reference, &a->card, &a->answer);
    world_reached(a->world, "checkout.asked");
}

static bool paid(struct db *db, struct asking *a, struct error *reterr) {
    struct checkout_card card = {
        .token = str_of(a->card.token),
        .brand = str_of(a->card.brand),
        .last4 = str_of(a->card.last4),
        .name = str_of(a->card.name),
    };
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct card has;
    if (!card_get(db, a->charge.workspace_id, arena, &has, reterr)) return false;
    card.is_default = has.exists && !drivers_payment(a->world->drivers, has.driver);
    return checkout_paid(db, a->world->ids, a->charge.key, str_of(a->answer.reference), &card, a->now_ms, &a->end,
                         reterr);
}

static bool end_change(struct db *db, void *arg, struct error *reterr) {
    struct asking *a = arg;
    struct str reason = str_of(a->answer.answer.reason);
    switch (a->outcome) {
    case OUTCOME_DONE:
        return paid(db, a, reterr);
    case OUTCOME_REFUSED:
        return order_release(db, a->charge.key, STR(""), reason, STR(""), a->now_ms, reterr);
    case OUTCOME_UNKNOWN:
        break;
    }
    if (a->reference.n && a->now_ms < a->expires_ms) return checkout_look_at(db, a->charge.key, a->again_ms, reterr);
    return order_postpone(db, a->charge.key, a->again_ms, reason, reterr);
}

static int64_t again_at(const struct asking *a) {
    if (a->reference.n && a->now_ms < a->expires_ms) {
        int64_t next = checkout_next_look(a->charge.created_ms, a->expires_ms, a->now_ms);
        return a->is_notice && next > a->now_ms + NOTICE_LOOK_MS ? a->now_ms + NOTICE_LOOK_MS : next;
    }
    int64_t wait = world_wait_ms(a->world, a->attempts + 1, 0);
    int64_t asked_for = a->answer.answer.retry_after_ms;
    return a->now_ms + (asked_for > wait ? asked_for : wait);
}

static void log_end(const struct asking *a) {
    static const char *const events[] = {[OUTCOME_DONE] = "order_settled", [OUTCOME_REFUSED] = "order_released"};
    bool is_waiting = a->outcome == OUTCOME_UNKNOWN && a->reference.n && a->now_ms < a->expires_ms;
    const char *event = a->outcome != OUTCOME_UNKNOWN ? events[a->outcome]
                        : is_waiting                  ? "order_awaits_payment"
                                                      : "order_postponed";
    if (a->outcome == OUTCOME_DONE && a->end == CHECKOUT_REFUNDED) event = "order_paid_too_late";
    enum log_level level = is_waiting ? LOG_DEBUG : a->outcome == OUTCOME_UNKNOWN ? LOG_WARN : LOG_INFO;
    log_event(level, event, LOG_STR("order", a->charge.key), LOG_STR("workspace", a->charge.workspace_id),
              LOG_INT("cents", a->charge.amount), LOG_TEXT("reason", a->answer.answer.reason));
}

static bool ask_and_record(struct asking *a, struct error *reterr) {
    ask(a);
    a->now_ms = clock_now(a->world->clock);
    a->again_ms = again_at(a);
    if (!store_write_of(a->world->store, a->charge.workspace_id, end_change, a, reterr)) return false;
    world_reached(a->world, "checkout.ended");
    log_end(a);
    return true;
}

static struct payment_charge charge_of(struct str order_id, struct str workspace_id, cents amount, int64_t created_ms) {
    return (struct payment_charge){
        .key = order_id,
        .token = STR(""),
        .amount = amount,
        .workspace_id = workspace_id,
        .description = STR("Mailbox order"),
        .created_ms = created_ms,
    };
}

bool checkout_end_due(const struct world *world, const struct unsettled *order, struct error *reterr) {
    struct asking asking = {
        .world = world,
        .charge = charge_of(order->id, order->workspace_id, order->amount, order->created_ms),
        .driver = order->payment_driver,
        .reference = order->checkout_reference,
        .expires_ms = order->checkout_expires_ms,
        .attempts = order->attempts,
    };
    return ask_and_record(&asking, reterr);
}

struct finding {
    struct str order_id;
    struct arena *arena;
    struct checkout order;
};

static bool find_read(struct db *db, void *arg, struct error *reterr) {
    struct finding *f = arg;
    return checkout_get(db, f->order_id, f->arena, &f->order, reterr);
}

bool checkout_look(const struct world *world, struct str order_id, bool is_notice, struct arena *arena,
                   struct checkout *ret_order, enum checkout_state *ret, struct error *reterr) {
    struct finding finding = {.order_id = order_id, .arena = arena};
    if (!store_read(world->store, find_read, &finding, reterr)) return false;
    const struct checkout *order = &finding.order;
    *ret_order = *order;
    *ret = order->state == ORDER_PLACED     ? CHECKOUT_IS_PLACED
           : order->state == ORDER_RESERVED ? CHECKOUT_IS_OPEN
           : order->is_paid_late            ? CHECKOUT_IS_GIVEN_BACK
                                            : CHECKOUT_IS_OVER;
    /* Whoever opens the page, or settles an order whose page nobody knows, is still at it. */
    bool is_being_opened = order->state == ORDER_RESERVED && !order->reference.n;
    if (order->state == ORDER_PLACED || is_being_opened || (order->state != ORDER_RESERVED && !is_notice)) return true;

    struct asking asking = {
        .world = world,
        .charge = charge_of(order->id, order->workspace_id, order->amount, order->created_ms),
        .driver = order->payment_driver,
        .reference = order->reference,
        .expires_ms = order->expires_ms,
        .is_notice = is_notice,
    };
    if (!ask_and_record(&asking, reterr)) return false;
    if (asking.outcome == OUTCOME_DONE)
        *ret = asking.end == CHECKOUT_PLACED ? CHECKOUT_IS_PLACED : CHECKOUT_IS_GIVEN_BACK;
    if (asking.outcome == OUTCOME_REFUSED) *ret = CHECKOUT_IS_OVER;
    return true;
}
