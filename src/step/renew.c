#include "step/renew.h"

#include "base/log.h"
#include "core/backoff.h"
#include "driver/payment/payment.h"
#include "store/renewals.h"

static bool next_due_read(struct db *db, void *arg, struct error *reterr) {
    return renewal_next_due(db, arg, reterr);
}

struct gathering {
    const struct world *world;
    int64_t now_ms;
    size_t max, n_collected;
    struct arena *arena;
    struct renewal_claims claims;
};

static bool collect_change(struct db *db, void *arg, struct error *reterr) {
    struct gathering *g = arg;
    return renewal_collect(db, g->world->ids, g->now_ms, g->max, &g->n_collected, reterr);
}

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct gathering *g = arg;
    return renewal_claim(db, g->world->ids, g->now_ms, g->now_ms + g->world->lease_ms, g->max, g->arena, &g->claims,
                         reterr);
}

static void fail(struct renewal_result *result, bool was_asked, const char *decline, struct str reason) {
    result->end = RENEWAL_END_FAILED;
    result->was_asked = was_asked;
    result->decline = str_of(decline);
    result->reason = reason;
}

/* What became of the charge; if nothing did, nothing will. */
static enum outcome close_charge(const struct world *world, struct payment *payment, const struct payment_charge *job,
                                 struct payment_answer *answer) {
    enum outcome outcome = payment_close(payment, job, answer);
    world_reached(world, "renew.closed");
    return outcome;
}

static void charge(const struct world *world, const struct renewal_try *attempt, struct payment_answer *answer,
                   struct renewal_result *result) {
    const struct str silence = STR("the payment service gave no answer; nothing was charged");
    struct payment *payment = drivers_payment(world->drivers, attempt->driver);
    struct payment_charge job = {
        .key = attempt->payment_id,
        .token = attempt->token,
        .amount = attempt->amount,
        .workspace_id = attempt->workspace_id,
        .description = STR("Mailbox renewal"),
        .created_ms = attempt->payment_ms,
    };
    enum outcome outcome = OUTCOME_UNKNOWN;
    result->end = RENEWAL_END_UNKNOWN;
    if (!payment) {
        answer_set(&answer->answer, OUTCOME_UNKNOWN, "the payment driver %.*s is not open here",
                   STR_ARG(attempt->driver));
        if (!attempt->is_resumed) fail(result, false, NULL, str_of(answer->answer.reason));
        return;
    }
    bool is_new = !attempt->is_resumed;
    if (!is_new && WORLD_PLANTED(world, PLANT_RENEW_TWICE)) {
        job.key.n--;
        is_new = true;
    }
    if (is_new) {
        outcome = payment_charge(payment, &job, answer);
        world_reached(world, "renew.charged");
        if (outcome == OUTCOME_UNKNOWN && WORLD_PLANTED(world, PLANT_RENEW_UNKNOWN)) {
            job.key.n--;
            outcome = payment_charge(payment, &job, answer);
        }
        if (outcome == OUTCOME_REFUSED) {
            fail(result, true, decline_names[answer->decline], str_of(answer->answer.reason));
            return;
        }
    }
    if (outcome == OUTCOME_UNKNOWN) {
        outcome = close_charge(world, payment, &job, answer);
        /* A try that dfyd itself cut short is no failure of the customer's. */
        if (outcome == OUTCOME_REFUSED && attempt->is_resumed && !attempt->is_unanswered)
            result->end = RENEWAL_END_AGAIN;
        else if (outcome == OUTCOME_REFUSED)
            fail(result, true, NULL, silence);
    }
    if (outcome == OUTCOME_DONE) {
        result->end = RENEWAL_END_PAID;
        result->reference = str_of(answer->reference);
    }
}

struct recording {
    const struct world *world;
    const struct renewal_try *attempt;
    struct renewal_result result;
    bool stale;
};

static bool record_change(struct db *db, void *arg, struct error *reterr) {
    struct recording *r = arg;
    return renewal_record(db, r->world->ids, r->attempt, &r->result, &r->stale, reterr);
}

static void log_end(const struct recording *r) {
    static const char *const events[] = {
        [RENEWAL_END_PAID] = "renewal_paid",
        [RENEWAL_END_FAILED] = "renewal_failed",
        [RENEWAL_END_AGAIN] = "renewal_again",
        [RENEWAL_END_UNKNOWN] = "renewal_unknown",
    };
    log_event(r->result.end == RENEWAL_END_PAID ? LOG_INFO : LOG_WARN,
              r->stale ? "renewal_lease_lost" : events[r->result.end], LOG_STR("renewal", r->attempt->id),
              LOG_STR("workspace", r->attempt->workspace_id), LOG_INT("cents", r->attempt->amount),
              LOG_INT("attempt", r->attempt->attempts), LOG_STR("reason", r->result.reason));
}

static bool renew_one(const struct world *world, const struct renewal_try *attempt, struct error *reterr) {
    struct payment_answer answer = {0};
    struct recording recording = {.world = world, .attempt = attempt};
    struct renewal_result *result = &recording.result;
    if (attempt->amount == 0)
        result->end = RENEWAL_END_PAID;
    else if (!attempt->payment_id.n && attempt->is_resumed)
        result->end = RENEWAL_END_AGAIN;
    else if (attempt->is_too_large)
        fail(result, false, NULL, STR("its sum is more than can be charged at once"));
    else if (!attempt->payment_id.n)
        fail(result, false, NULL, STR("the workspace has no card"));
    else
        charge(world, attempt, &answer, result);

    uint32_t spread;
    rng_fill(world->rng, &spread, sizeof spread);
    int64_t wait = backoff_ms(attempt->attempts, world->retry_base_ms, world->retry_max_ms, spread);
    if (answer.answer.retry_after_ms > wait) wait = answer.answer.retry_after_ms;
    result->now_ms = clock_now(world->clock);
    result->again_ms = result->now_ms + wait;
    if (result->end == RENEWAL_END_UNKNOWN) result->reason = str_of(answer.answer.reason);
    if (!store_write(world->store, record_change, &recording, reterr)) return false;
    world_reached(world, "renew.recorded");
    log_end(&recording);
    return true;
}

bool renew_due(const struct world *world, size_t max, size_t *ret_n, struct error *reterr) {
    *ret_n = 0;
    int64_t now = clock_now(world->clock), due = INT64_MAX;
    if (!store_read(world->store, next_due_read, &due, reterr)) return false;
    if (due > now) return true;

    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct gathering g = {.world = world, .now_ms = now, .max = max, .arena = arena};
    g.claims.charges_cancelled = WORLD_PLANTED(world, PLANT_CHARGE_CANCELLED);
    if (!store_write(world->store, collect_change, &g, reterr)) return false;
    if (g.n_collected) world_reached(world, "renew.collected");
    if (!store_write(world->store, claim_change, &g, reterr)) return false;
    if (g.claims.n) world_reached(world, "renew.claimed");
    for (size_t i = 0; i < g.claims.n && world_lease_lasts(world, now + world->lease_ms); i++)
        if (!renew_one(world, &g.claims.tries[i], reterr)) return false;
    *ret_n = g.n_collected + g.claims.n + g.claims.n_ended;
    return true;
}
