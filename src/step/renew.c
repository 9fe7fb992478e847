#include "step/renew.h"

#include "base/log.h"
#include "driver/payment/payment.h"
#include "store/renewals.h"

static bool next_due_read(struct db *db, void *arg, struct error *reterr) {
    return renewal_next_due(db, arg, reterr);
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
              LOG_INT("attempt", r->attempt->attempts), LOG_STR("reason", r->result.reason),
              LOG_TEXT("next", r->stale ? WORLD_LEASE_LOST : ""));
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

    int64_t wait = world_wait_ms(world, attempt->attempts, 0);
    if (answer.answer.retry_after_ms > wait) wait = answer.answer.retry_after_ms;
    result->now_ms = clock_now(world->clock);
    result->again_ms = result->now_ms + wait;
    if (result->end == RENEWAL_END_UNKNOWN) result->reason = str_of(answer.answer.reason);
    if (!store_write_of(world->store, attempt->workspace_id, record_change, &recording, reterr)) return false;
    world_reached(world, "renew.recorded");
    log_end(&recording);
    return true;
}

/* ---- collecting ---- */

struct collecting {
    struct ids *ids;
    struct renewal_group group;
    int64_t now_ms;
};

static bool first_read(struct db *db, void *arg, struct error *reterr) {
    struct collecting *c = arg;
    return renewal_first_group(db, &c->group, reterr);
}

static bool collect_change(struct db *db, void *arg, struct error *reterr) {
    const struct collecting *c = arg;
    return renewal_collect(db, c->ids, &c->group, c->now_ms, reterr);
}

/* Each workspace in a change of its own. */
static bool collect(const struct world *world, int64_t now_ms, size_t max, size_t *ret_n, struct error *reterr) {
    struct collecting c = {.ids = world->ids, .now_ms = now_ms};
    for (*ret_n = 0; *ret_n < max; (*ret_n)++) {
        if (!store_read(world->store, first_read, &c, reterr)) return false;
        if (c.group.day_ms > now_ms) return true;
        if (!store_write_of(world->store, str_of(c.group.workspace_id), collect_change, &c, reterr)) return false;
        world_reached(world, "renew.collected");
    }
    return true;
}

/* ---- trying ---- */

struct claiming {
    int64_t now_ms, lease_until_ms;
    size_t max, n;
    struct arena *arena;
    struct renewal_try *tries;
};

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct claiming *c = arg;
    return renewal_claim(db, c->now_ms, c->lease_until_ms, c->max, c->arena, &c->tries, &c->n, reterr);
}

struct starting {
    const struct world *world;
    struct renewal_try *attempt;
    int64_t now_ms;
    struct arena *arena;
    enum renewal_start result;
};

static bool start_change(struct db *db, void *arg, struct error *reterr) {
    struct starting *s = arg;
    return renewal_start(db, s->world->ids, s->attempt, s->now_ms, WORLD_PLANTED(s->world, PLANT_CHARGE_CANCELLED),
                         s->arena, &s->result, reterr);
}

static bool try_one(const struct world *world, struct renewal_try *attempt, int64_t lease_until_ms, struct arena *arena,
                    struct error *reterr) {
    struct starting s = {.world = world, .attempt = attempt, .now_ms = clock_now(world->clock), .arena = arena};
    if (!attempt->is_resumed) {
        if (!store_write_of(world->store, attempt->workspace_id, start_change, &s, reterr)) return false;
        world_reached(world, "renew.started");
    }
    if (s.result != RENEWAL_STARTED || !world_lease_lasts(world, lease_until_ms)) return true;
    return renew_one(world, attempt, reterr);
}

bool renew_due(const struct world *world, size_t max, size_t *ret_n, struct error *reterr) {
    *ret_n = 0;
    int64_t now = clock_now(world->clock), due = INT64_MAX;
    if (!store_read(world->store, next_due_read, &due, reterr)) return false;
    if (due > now) return true;

    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct claiming c = {.now_ms = now, .lease_until_ms = now + world->lease_ms, .max = max, .arena = arena};
    size_t n_collected;
    if (!collect(world, now, max, &n_collected, reterr) || !store_claim(world->store, claim_change, &c, reterr))
        return false;
    if (c.n) world_reached(world, "renew.claimed");
    for (size_t i = 0; i < c.n && world_lease_lasts(world, c.lease_until_ms); i++)
        if (!try_one(world, &c.tries[i], c.lease_until_ms, arena, reterr)) return false;
    *ret_n = n_collected + c.n;
    return true;
}
