#include "step/travel.h"

#include "base/log.h"
#include "store/sandbox_clock.h"

static bool get_read(struct db *db, void *arg, struct error *reterr) {
    return sandbox_clock_get(db, arg, reterr);
}

bool travel_is_wanted(const struct world *world, bool *ret, struct error *reterr) {
    struct sandbox_clock clock;
    if (!store_read(world->store, get_read, &clock, reterr)) return false;
    *ret = clock.target_ms > clock.ahead_ms;
    return true;
}

static bool give_up_change(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return sandbox_clock_give_up(db, reterr);
}

static bool give_up(const struct world *world, struct error *reterr) {
    if (!store_write(world->store, give_up_change, NULL, reterr)) return false;
    log_event(LOG_WARN, "clock_not_moved", LOG_TEXT("reason", "not all drivers are sandbox drivers"),
              LOG_TEXT("then", "the clock stays as it is"));
    return true;
}

struct jump {
    const struct world *world;
    enum travel end;
    struct sandbox_clock clock;
};

static bool jump_change(struct db *db, void *arg, struct error *reterr) {
    struct jump *j = arg;
    if (!sandbox_clock_get(db, &j->clock, reterr)) return false;
    j->end = TRAVEL_THERE;
    if (j->clock.target_ms <= j->clock.ahead_ms) return true;
    int64_t now = clock_now(j->world->clock);
    struct clock_stop stop;
    if (!sandbox_clock_look(db, now, &stop, reterr)) return false;
    j->end = TRAVEL_HELD;
    if (stop.holder) return true;
    j->end = TRAVEL_MOVED;
    int64_t to_target = j->clock.target_ms - j->clock.ahead_ms, to_stop = stop.next_ms - now;
    j->clock.ahead_ms += to_stop < to_target ? to_stop : to_target;
    return sandbox_clock_move(db, j->clock.ahead_ms, reterr);
}

bool travel_on(const struct world *world, enum travel *ret, struct error *reterr) {
    if (!world->sandbox_clock) {
        *ret = TRAVEL_THERE;
        return give_up(world, reterr);
    }
    struct jump jump = {.world = world};
    if (!store_write(world->store, jump_change, &jump, reterr)) return false;
    *ret = jump.end;
    if (jump.end != TRAVEL_MOVED) return true;
    clock_move(world->sandbox_clock, jump.clock.ahead_ms);
    world_reached(world, "clock.moved");
    bool is_there = jump.clock.ahead_ms >= jump.clock.target_ms;
    log_event(is_there ? LOG_INFO : LOG_DEBUG, "clock_moved", LOG_INT("ahead_s", jump.clock.ahead_ms / 1000),
              LOG_TEXT("next", is_there ? "" : "further"));
    return true;
}
