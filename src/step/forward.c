#include "step/forward.h"

#include "base/log.h"
#include "step/provision.h"

struct beginning {
    const struct forwarding_change *change;
    struct arena *arena;
    bool is_needed;
    struct step step;
};

static bool begin_change(struct db *db, void *arg, struct error *reterr) {
    struct beginning *b = arg;
    return forwarding_begin(db, b->change, b->arena, &b->is_needed, &b->step, reterr);
}

struct ending {
    const struct step *step;
    struct step_end end;
    bool stale;
};

static bool end_change(struct db *db, void *arg, struct error *reterr) {
    struct ending *e = arg;
    return forwarding_end(db, e->step, &e->end, &e->stale, reterr);
}

static struct ending ending_of(const struct world *world, const struct step *step, enum outcome outcome,
                               const struct answer *answer) {
    static const enum step_state ends[] = {
        [OUTCOME_DONE] = STEP_DONE, [OUTCOME_REFUSED] = STEP_FAILED, [OUTCOME_UNKNOWN] = STEP_RETRYING};
    int64_t now = clock_now(world->clock), wait = world_wait_ms(world, 1, answer->retry_after_ms);
    return (struct ending){
        .step = step,
        .end =
            {
                .state = ends[outcome],
                .reason = outcome == OUTCOME_DONE ? STR("") : str_of(answer->reason),
                .again_ms = now + wait,
                .now_ms = now,
                .ids = world->ids,
                .swap_ms = world->swap_ms,
            },
    };
}

bool forward_change(const struct world *world, struct str workspace_id, const struct forwarding *to, struct actor actor,
                    struct arena *arena, struct error *reterr) {
    char audit_id[UUID_TEXT];
    ids_uuid(world->ids, audit_id);
    int64_t now = clock_now(world->clock);
    const struct forwarding_change change = {
        .audit_id = str_of(audit_id),
        .workspace_id = workspace_id,
        .to = *to,
        .actor = actor,
        .now_ms = now,
        .lease_until_ms = now + world->lease_ms,
    };
    struct beginning begun = {.change = &change, .arena = arena};
    if (!store_write_of(world->store, workspace_id, begin_change, &begun, reterr)) return false;
    if (!begun.is_needed) return true;
    world_reached(world, "forward.intended");

    struct answer answer = {0};
    enum outcome outcome = provision_act(world, &begun.step, arena, &answer);
    world_reached(world, "forward.acted");

    struct ending ending = ending_of(world, &begun.step, outcome, &answer);
    struct error error = {0};
    if (!store_write_of(world->store, workspace_id, end_change, &ending, &error))
        return error_set(reterr, ERR_UPSTREAM,
                         "The change was begun, but its end could not be written down: %s. It is finished by itself;"
                         " look again later.",
                         error.message);
    world_reached(world, "forward.recorded");
    log_event(outcome == OUTCOME_DONE ? LOG_INFO : LOG_WARN,
              ending.stale ? "forwarding_lease_lost" : "forwarding_ended", LOG_STR("domain", to->domain),
              LOG_STR("to", to->target), LOG_TEXT("state", step_state_names[ending.end.state]),
              LOG_STR("reason", ending.end.reason));
    if (ending.stale)
        return error_set(
            reterr, ERR_CONFLICT,
            "The change of the forwarding of %.*s took so long that others went on with it. Look at what it is now.",
            STR_ARG(to->domain));
    switch (outcome) {
    case OUTCOME_DONE:
        return true;
    case OUTCOME_REFUSED:
        return error_set(reterr, ERR_UPSTREAM, "The DNS host refused the change: %s. Nothing was changed.",
                         answer.reason);
    case OUTCOME_UNKNOWN:
        break;
    }
    return error_set(reterr, ERR_UPSTREAM,
                     "The DNS host gave no clear answer: %s. Nothing was changed, as far as can be known; what may have"
                     " been is taken back. Try again.",
                     answer.reason);
}
