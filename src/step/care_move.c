/* The change of a domain's DKIM keys, move by move. */
#include "base/log.h"
#include "driver/mailbox/mailbox.h"
#include "step/care_inside.h"

/* A mail host that refuses a key needs a person; it is asked again now and then. */
static const int64_t refused_again_ms = INT64_C(24) * 60 * 60 * 1000;

/* Brings the records to the keys that the mail host has, until a resolver sees all of them. */
static enum outcome publish(const struct world *world, const struct care *care, struct arena *arena,
                            struct answer *answer) {
    struct zone_job job = care_zone_job(care, ZONE_MAIL);
    enum outcome outcome = zone_sync(world, &job, arena, answer);
    if (outcome != OUTCOME_DONE && WORLD_PLANTED(world, PLANT_SIGN_UNSEEN)) return OUTCOME_DONE;
    return outcome;
}

static enum outcome set_keys(const struct world *world, const struct care *care, struct answer *answer) {
    const struct mailbox_dkim move = {.domain = care->domain, .rotation = care->key.rotation, .phase = care->key.phase};
    enum outcome outcome = mailbox_set_dkim(world->drivers->mailbox, &move, answer);
    world_reached(world, "care.keyed");
    return outcome;
}

/*
 * A key's record is there before it signs, and is looked at once more just before. At the end the old key is erased
 * first and its record taken away second: so it cannot sign any more, whatever happens in between, and the record of
 * the new one is there all the time.
 */
static enum outcome act(const struct world *world, const struct care *care, struct arena *arena,
                        struct answer *answer) {
    bool records_first = care->key.phase == DKIM_SIGNING;
    enum outcome outcome = records_first ? publish(world, care, arena, answer) : set_keys(world, care, answer);
    if (outcome != OUTCOME_DONE) return outcome;
    if (!world_lease_lasts(world, care->due_ms))
        return answer_set(answer, OUTCOME_UNKNOWN, "publishing took too long: somebody else may be at it by now");
    return records_first ? set_keys(world, care, answer) : publish(world, care, arena, answer);
}

struct record {
    const struct care *care;
    struct care_moved moved;
    struct care_times times;
    bool stale;
};

static bool record_change(struct db *db, void *arg, struct error *reterr) {
    struct record *r = arg;
    return care_record_move(db, r->care, &r->moved, &r->times, &r->stale, reterr);
}

static void log_end(const struct record *record) {
    const struct care *care = record->care;
    char next[TIME_TEXT] = "";
    if (!record->moved.is_made) time_format(record->moved.again_ms, next);
    log_event(record->moved.is_made ? LOG_INFO : LOG_WARN,
              record->stale           ? "care_lease_lost"
              : record->moved.is_made ? "dkim_moved"
                                      : "dkim_waits",
              LOG_STR("domain", care->domain), LOG_INT("key", care->key.rotation),
              LOG_TEXT("phase", dkim_phase_names[care->key.phase]), LOG_INT("tries", care->key.tries),
              LOG_STR("reason", record->moved.reason), LOG_TEXT("next", record->stale ? WORLD_LEASE_LOST : next));
}

bool care_move(const struct world *world, const struct care *care, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct answer answer = {0};
    enum outcome outcome = act(world, care, arena, &answer);
    world_reached(world, "care.acted");

    int64_t wait = world_wait_ms(world, care->key.tries + 1, answer.retry_after_ms);
    if (outcome == OUTCOME_REFUSED && wait < refused_again_ms) wait = refused_again_ms;
    struct record record = {.care = care, .times = care_times_of(world)};
    record.moved = (struct care_moved){
        .is_made = outcome == OUTCOME_DONE,
        .reason = outcome == OUTCOME_DONE ? STR("") : str_of(answer.reason),
        .again_ms = record.times.now_ms + wait,
        .overlap_ms = WORLD_PLANTED(world, PLANT_DROP_EARLY) ? 0 : world->dkim_overlap_ms,
    };
    if (!store_write_of(world->store, care->workspace_id, record_change, &record, reterr)) return false;
    world_reached(world, "care.recorded");
    log_end(&record);
    return true;
}
