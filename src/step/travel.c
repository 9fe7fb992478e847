#include "step/travel.h"

#include "base/log.h"
#include "store/nodes.h"
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

static int64_t ahead_here(const struct world *world) {
    return atomic_load(&world->sandbox_clock->ahead_ms);
}

struct looking {
    const struct world *world;
    struct travel_view view;
};

static bool look_read(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    struct sandbox_clock clock;
    struct travel_view *view = &l->view;
    if (!sandbox_clock_get(db, &clock, reterr)) return false;
    *view = (struct travel_view){.is_wanted = clock.target_ms > clock.ahead_ms, .ahead_ms = clock.ahead_ms};
    view->was_moved = l->world->sandbox_clock && clock.ahead_ms > ahead_here(l->world);
    if (!view->is_wanted || view->was_moved || !l->world->sandbox_clock) return true;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct clock_stop stop;
    struct str busy;
    if (!sandbox_clock_look(db, clock_now(l->world->clock), &stop, reterr) ||
        !nodes_busy(db, clock.ahead_ms, arena, &busy, reterr))
        return false;
    view->is_held = stop.holder != NULL;
    view->is_busy = busy.n > 0;
    return true;
}

bool travel_look(const struct world *world, bool may_move, struct travel_view *ret, struct error *reterr) {
    struct looking looking = {.world = world};
    if (!store_read(world->store, look_read, &looking, reterr)) return false;
    *ret = looking.view;
    if (ret->was_moved && may_move) clock_move(world->sandbox_clock, ret->ahead_ms);
    return true;
}

struct jump {
    const struct world *world;
    enum travel end;
    struct sandbox_clock clock;
};

/* Whether another node was faster, or is at work. */
static bool others_come_first(struct db *db, struct jump *j, bool *ret, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct str busy = STR("");
    *ret = j->clock.ahead_ms > ahead_here(j->world);
    if (*ret || !store_is_shared(j->world->store)) return true;
    if (!nodes_busy(db, j->clock.ahead_ms, arena, &busy, reterr)) return false;
    *ret = busy.n > 0;
    return true;
}

static bool jump_change(struct db *db, void *arg, struct error *reterr) {
    struct jump *j = arg;
    if (!sandbox_clock_get(db, &j->clock, reterr)) return false;
    j->end = TRAVEL_THERE;
    if (j->clock.target_ms <= j->clock.ahead_ms) return true;
    bool must_wait = false;
    if (!others_come_first(db, j, &must_wait, reterr)) return false;
    j->end = TRAVEL_WAITS;
    if (must_wait) return true;
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
