#include "step/refund.h"

#include "base/log.h"
#include "driver/payment/payment.h"
#include "store/refunds.h"

struct claim {
    int64_t now_ms, lease_until_ms;
    size_t max;
    struct arena *arena;
    struct refund *refunds;
    size_t n;
};

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct claim *c = arg;
    return refund_claim(db, c->now_ms, c->lease_until_ms, c->max, c->arena, &c->refunds, &c->n, reterr);
}

struct ending {
    const struct refund *refund;
    struct refund_end end;
    bool stale;
};

static bool ending_change(struct db *db, void *arg, struct error *reterr) {
    struct ending *e = arg;
    return refund_record(db, e->refund, &e->end, &e->stale, reterr);
}

static enum outcome give_back(const struct world *world, const struct refund *refund, struct payment_answer *ret) {
    struct payment_refund job = {
        .key = refund->id,
        .charge_key = refund->payment_id,
        .charge_reference = refund->payment_reference,
        .workspace_id = refund->workspace_id,
        .amount = refund->amount,
        .retries = refund->retries,
    };
    if (refund->attempts > 1 && WORLD_PLANTED(world, PLANT_REFUND_TWICE)) job.key.n--;
    struct payment *payment = drivers_payment(world->drivers, refund->payment_driver);
    if (payment) return payment_refund(payment, &job, ret);
    return answer_set(&ret->answer, OUTCOME_UNKNOWN, "the payment driver %.*s is not open here",
                      STR_ARG(refund->payment_driver));
}

static void log_end(const struct refund *refund, const struct ending *ending) {
    static const char *const events[REFUND_STATE_END] = {
        [REFUND_DONE] = "refund_made", [REFUND_FAILED] = "refund_refused", [REFUND_DUE] = "refund_postponed"};
    static const char refused[] = "it stays owed: mend the reason and say `dfyd refund retry`";
    char next[TIME_TEXT] = "";
    if (ending->end.state == REFUND_DUE) time_format(ending->end.again_ms, next);
    enum log_level level = ending->end.state == REFUND_DONE     ? LOG_INFO
                           : ending->end.state == REFUND_FAILED ? LOG_ERROR
                                                                : LOG_WARN;
    log_event(level, ending->stale ? "refund_lease_lost" : events[ending->end.state], LOG_STR("refund", refund->id),
              LOG_TEXT("bill_kind", bill_kind_names[refund->bill_kind]), LOG_STR("bill", refund->bill_id),
              LOG_STR("workspace", refund->workspace_id), LOG_INT("cents", refund->amount),
              LOG_STR("domain", refund->domain), LOG_INT("attempt", refund->attempts),
              LOG_STR("reason", ending->end.reason),
              LOG_TEXT("next", ending->stale                        ? WORLD_LEASE_LOST
                               : ending->end.state == REFUND_FAILED ? refused
                                                                    : next));
}

static bool refund_one(const struct world *world, const struct refund *refund, struct error *reterr) {
    static const enum refund_state ends[] = {
        [OUTCOME_DONE] = REFUND_DONE, [OUTCOME_REFUSED] = REFUND_FAILED, [OUTCOME_UNKNOWN] = REFUND_DUE};
    struct payment_answer answer = {0};
    enum outcome outcome = give_back(world, refund, &answer);
    world_reached(world, "refund.acted");

    int64_t now = clock_now(world->clock), wait = world_wait_ms(world, refund->attempts, answer.answer.retry_after_ms);
    struct ending ending = {
        .refund = refund,
        .end =
            {
                .state = ends[outcome],
                .reference = str_of(answer.reference),
                .reason = outcome == OUTCOME_DONE ? STR("") : str_of(answer.answer.reason),
                .again_ms = now + wait,
                .now_ms = now,
            },
    };
    if (!store_write_of(world->store, refund->workspace_id, ending_change, &ending, reterr)) return false;
    world_reached(world, "refund.recorded");
    log_end(refund, &ending);
    return true;
}

bool refund_due(const struct world *world, size_t max, size_t *ret_n, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    int64_t now = clock_now(world->clock);
    struct claim claim = {.now_ms = now, .lease_until_ms = now + world->lease_ms, .max = max, .arena = arena};
    if (!store_claim(world->store, claim_change, &claim, reterr)) return false;
    if (claim.n) world_reached(world, "refund.claimed");
    for (size_t i = 0; i < claim.n && world_lease_lasts(world, claim.lease_until_ms); i++)
        if (!refund_one(world, &claim.refunds[i], reterr)) return false;
    *ret_n = claim.n;
    return true;
}
