#include "step/care.h"

#include "base/log.h"
#include "step/care_inside.h"

struct care_times care_times_of(const struct world *world) {
    return (struct care_times){
        .now_ms = clock_now(world->clock), .check_ms = world->check_ms, .dkim_ms = world->dkim_ms};
}

static bool next_due_read(struct db *db, void *arg, struct error *reterr) {
    return care_next_due(db, arg, reterr);
}

struct claim {
    const struct world *world;
    struct care_times times;
    size_t max;
    struct arena *arena;
    struct care *all;
    size_t n;
};

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct claim *c = arg;
    return care_claim(db, &c->times, c->times.now_ms + c->world->lease_ms, c->max, c->arena, &c->all, &c->n, reterr);
}

static void log_check(const struct care *care, const struct care_report *report, bool stale) {
    enum log_level level = stale || report->n_findings || report->is_unclear ? LOG_WARN : LOG_DEBUG;
    const struct str reason = report->is_unclear ? report->unclear_reason : STR("");
    log_event(level, stale ? "care_lease_lost" : "domain_checked", LOG_STR("domain", care->domain),
              LOG_INT("findings", (int64_t)report->n_findings), LOG_STR("unclear", reason),
              LOG_TEXT("next", stale                ? WORLD_LEASE_LOST
                               : report->n_findings ? "`dfyd domain show` says what is wrong"
                                                    : ""));
}

static bool check(const struct world *world, struct care *care, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct care_report report;
    bool stale;
    if (!care_look(world, care, arena, &report, reterr)) return false;
    world_reached(world, "care.acted");
    if (!care_keep(world, care, &report, &stale, reterr)) return false;
    world_reached(world, "care.recorded");
    log_check(care, &report, stale);
    return true;
}

bool care_due(const struct world *world, size_t max, size_t *ret_n, struct error *reterr) {
    *ret_n = 0;
    struct claim claim = {.world = world, .times = care_times_of(world), .max = max};
    int64_t due = INT64_MAX;
    if (!store_read(world->store, next_due_read, &due, reterr)) return false;
    if (due > claim.times.now_ms) return true;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    claim.arena = arena;
    if (!store_claim(world->store, claim_change, &claim, reterr)) return false;
    if (claim.n) world_reached(world, "care.claimed");
    for (size_t i = 0; i < claim.n; i++) {
        struct care *care = &claim.all[i];
        if (!(care->is_move ? care_move(world, care, reterr) : check(world, care, reterr))) return false;
    }
    *ret_n = claim.n;
    return true;
}
