/* dfyd's own work: what workers do by themselves, by chance, or to the end. */
#include "inside.h"
#include "step/care.h"
#include "step/deliver.h"
#include "step/refund.h"
#include "step/renew.h"
#include "step/settle.h"
#include "store/refunds.h"
#include "store/renewals.h"

enum {
    QUIET_ROUNDS = 4000, /* more rounds than any amount of work here can need */
    CLAIM_MAX = 3,
    SETTLE_MAX = 4,
    QUIET_DAYS = 40, /* longer than an unpaid renewal is tried */
    DAY_MS = 86400000,
    MONEY_MAX = 3,
    CARE_MAX = 4,
    HANDS_ROUNDS = 60,
};

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

void work_claim(struct run *run) {
    size_t room = 0, n = 0;
    for (size_t i = 0; i < HELD_MAX; i++) room += !run->held[i].is_used;
    size_t max = 1 + draw(run, CLAIM_MAX);
    if (max > room) return;
    struct step *steps;
    struct error error = {0};
    if (!provision_claim(&run->world, max, run->life, &steps, &n, &error)) {
        history_add(run->history, "worker: nothing claimed: %s", error.message);
        return;
    }
    for (size_t i = 0, at = 0; i < n; i++) {
        while (run->held[at].is_used) at++;
        run->held[at] = (struct held){.is_used = true, .step = steps[i]};
        history_add(run->history, "worker: claims %s of %.*s%s%.*s, attempt %lld", step_kind_names[steps[i].kind],
                    STR_ARG(steps[i].domain), steps[i].email.n ? " " : "", STR_ARG(steps[i].email),
                    (long long)steps[i].attempts);
    }
}

static void run_step(struct run *run, struct held *held) {
    const struct step *step = &held->step;
    bool is_stale = step->due_ms <= clock_now(&run->clock);
    struct error error = {0};
    held->is_busy = true;
    bool ok = provision_run(&run->world, step, &error);
    held->is_busy = held->is_used = false;
    run->totals->counts.steps++;
    run->totals->counts.stale_steps += is_stale;
    history_add(run->history, "worker: ran %s of %.*s%s%.*s, attempt %lld%s%s%s", step_kind_names[step->kind],
                STR_ARG(step->domain), step->email.n ? " " : "", STR_ARG(step->email), (long long)step->attempts,
                is_stale ? ", after its lease" : "", ok ? "" : ": ", error.message);
    for (size_t i = 0; i < HELD_MAX && !run_is_dead(run); i++) {
        const struct held *other = &run->held[i];
        if (other->is_used && !other->is_busy && step_is_same(&other->step, step) &&
            other->step.attempts > step->attempts)
            audit_fence(run, &other->step);
    }
}

bool work_run(struct run *run) {
    size_t from = draw(run, HELD_MAX);
    for (size_t i = 0; i < HELD_MAX; i++) {
        struct held *held = &run->held[(from + i) % HELD_MAX];
        if (!held->is_used || held->is_busy) continue;
        run_step(run, held);
        return true;
    }
    return false;
}

void work_settle(struct run *run) {
    size_t n = 0;
    struct error error = {0};
    bool ok = settle_due(&run->world, false, SETTLE_MAX, &n, &error);
    if (!ok || n) history_add(run->history, "settle: %zu orders%s%s", n, ok ? "" : ": ", error.message);
    if (!run_is_dead(run)) audit_leases(run);
}

bool work_deliver(struct run *run) {
    size_t n = 0;
    struct error error = {0};
    bool ok = deliver_due(&run->world, &n, &error);
    if (!ok || n) history_add(run->history, "deliveries: %zu%s%s", n, ok ? "" : ": ", error.message);
    return ok;
}

void work_refund(struct run *run) {
    size_t n = 0;
    struct error error = {0};
    bool ok = refund_due(&run->world, 1 + draw(run, MONEY_MAX), &n, &error);
    run->totals->counts.refunds += (int64_t)n;
    if (!ok || n) history_add(run->history, "refunds: %zu%s%s", n, ok ? "" : ": ", error.message);
}

void work_renew(struct run *run) {
    size_t n = 0;
    struct error error = {0};
    bool ok = renew_due(&run->world, 1 + draw(run, MONEY_MAX), &n, &error);
    run->totals->counts.renewals += (int64_t)n;
    if (!ok || n) history_add(run->history, "renewals: %zu%s%s", n, ok ? "" : ": ", error.message);
}

void work_care(struct run *run) {
    size_t n = 0;
    struct error error = {0};
    bool ok = care_due(&run->world, 1 + draw(run, 2), &n, &error);
    run->totals->counts.cares += (int64_t)n;
    if (!ok || n) history_add(run->history, "care: %zu%s%s", n, ok ? "" : ": ", error.message);
}

static bool next_due(struct db *db, void *arg, struct error *reterr) {
    int64_t *ret_ms = arg, times[5];
    if (!step_next_due(db, &times[0], reterr) || !delivery_next_due(db, &times[1], reterr) ||
        !refund_next_due(db, &times[2], reterr) || !renewal_next_due(db, &times[3], reterr) ||
        !care_next_due(db, &times[4], reterr))
        return false;
    *ret_ms = INT64_MAX;
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        if (times[i] < *ret_ms) *ret_ms = times[i];
    return true;
}

static bool work_off_once(struct run *run, int64_t due_ms, struct error *reterr) {
    if (due_ms > run->clock.manual_ms) run->clock.manual_ms = due_ms;
    size_t n = 0;
    struct step *steps;
    if (!settle_due(&run->world, false, SETTLE_MAX, &n, reterr)) return false;
    if (n) history_add(run->history, "settle: %zu orders", n);
    if (!provision_claim(&run->world, HELD_MAX, run->life, &steps, &n, reterr)) return false;
    for (size_t i = 0; i < n; i++) {
        struct held held = {.is_used = true, .step = steps[i]};
        run_step(run, &held);
    }
    if (!care_due(&run->world, CARE_MAX, &n, reterr)) return false;
    run->totals->counts.cares += (int64_t)n;
    return renew_due(&run->world, MONEY_MAX, &n, reterr) && refund_due(&run->world, MONEY_MAX, &n, reterr) &&
           deliver_due(&run->world, &n, reterr);
}

void work_among_hands(struct run *run) {
    for (uint32_t n = draw(run, HANDS_ROUNDS); n > 0 && !run_is_dead(run) && !model_is_broken(&run->model); n--) {
        int64_t due_ms;
        struct error error = {0};
        if (run_happens(run, 250)) zones_change_by_hand(run);
        if (run_happens(run, 60)) zones_repair(run, false);
        if (run_happens(run, 150)) client_forward(run);
        if (run_happens(run, 20)) operator_rotate(run);
        zones_check_hands(run);
        bool ok = store_read(run->store, next_due, &due_ms, &error);
        if (ok && due_ms < clock_now(&run->clock) + DAY_MS) ok = work_off_once(run, due_ms, &error);
        if (!ok) {
            model_break(&run->model, "work fails with nothing in its way: %s", error.message);
            return;
        }
        zones_check_hands(run);
    }
}

void work_to_the_end(struct run *run) {
    /* Things are renewed for ever: after a while only that is left, and waits for its day. */
    int64_t last_ms = clock_now(&run->clock) + (int64_t)QUIET_DAYS * DAY_MS;
    for (int i = 0; i < QUIET_ROUNDS && !model_is_broken(&run->model); i++) {
        int64_t due_ms;
        struct error error = {0};
        /* What was changed by hand waits for that. */
        zones_repair(run, true);
        if (!store_read(run->store, next_due, &due_ms, &error)) {
            model_break(&run->model, "the database cannot be read: %s", error.message);
            return;
        }
        if (due_ms > last_ms) return;
        /* While nothing else happens for long, customers may find something else to take. */
        if (due_ms > clock_now(&run->clock) + DAY_MS / 24 && draw(run, 2)) {
            client_swap(run);
            continue;
        }
        if (!work_off_once(run, due_ms, &error))
            model_break(&run->model, "work fails with nothing in its way: %s", error.message);
    }
    model_break(&run->model, "the work never ends");
}
