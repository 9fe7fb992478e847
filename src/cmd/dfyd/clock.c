#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "commands.h"
#include "lock.h"
#include "setup.h"
#include "store/nodes.h"
#include "store/sandbox_clock.h"
#include "table.h"
#include "text.h"

enum {
    LOOK_MS = 2,         /* between two looks at the store's generation, which is a number in memory */
    ASK_MS = 100,        /* between two looks whether a server is there */
    COMPLAIN_MS = 10000, /* how long it may stand still before it is said why */
};

static bool get_read(struct db *db, void *arg, struct error *reterr) {
    return sandbox_clock_get(db, arg, reterr);
}

static struct str span_text(int64_t ms, struct arena *arena) {
    int64_t seconds = ms / 1000, days = seconds / 86400;
    seconds %= 86400;
    return arena_printf(arena, "%lld days %02d:%02d:%02d", (long long)days, (int)(seconds / 3600),
                        (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* The time when the clock is AHEAD_MS ahead. */
static struct str time_ahead(int64_t ahead_ms, struct arena *arena) {
    struct clock clock = clock_sandbox(ahead_ms);
    return text_time(clock_now(&clock), arena);
}

bool run_clock_show(const struct invocation *invocation, struct error *reterr) {
    struct arena *arena = invocation->arena;
    struct sandbox_clock clock;
    if (!store_read(invocation->setup->store, get_read, &clock, reterr)) return false;
    bool moves = clock.target_ms > clock.ahead_ms;
    const struct str pairs[] = {
        STR("now"),   time_ahead(clock.ahead_ms, arena),
        STR("ahead"), span_text(clock.ahead_ms, arena),
        STR("to go"), moves ? span_text(clock.target_ms - clock.ahead_ms, arena) : STR(""),
    };
    table_print_pairs(pairs, ARRAY_LEN(pairs) / 2 - !moves, stdout);
    return true;
}

struct aiming {
    int64_t by_ms;
    struct sandbox_clock clock;
};

static bool aim_change(struct db *db, void *arg, struct error *reterr) {
    struct aiming *a = arg;
    return sandbox_clock_aim(db, a->by_ms, &a->clock, reterr);
}

struct looking {
    struct sandbox_clock clock;
    struct clock_stop stop;
};

static bool look_read(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    if (!sandbox_clock_get(db, &l->clock, reterr)) return false;
    struct clock clock = clock_sandbox(l->clock.ahead_ms);
    return sandbox_clock_look(db, clock_now(&clock), &l->stop, reterr);
}

static void rest(int64_t ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Until something was committed, or for ASK_MS. */
static void wait_for_commit(struct store *store, uint64_t seen) {
    int64_t until = clock_steady_ms() + ASK_MS;
    while (store_generation(store, STORE_ANYTHING) == seen && clock_steady_ms() < until) rest(LOOK_MS);
}

/* Whether somebody moves the clock, and who among several does not stand still for that (empty: nobody, or not known).
 */
struct asking {
    struct arena *arena;
    int64_t ahead_ms;
    bool is_there;
    struct str busy;
};

static bool ask_read(struct db *db, void *arg, struct error *reterr) {
    struct asking *a = arg;
    struct node_row *nodes;
    size_t n;
    if (!nodes_list(db, a->arena, &nodes, &n, reterr)) return false;
    a->is_there = false;
    a->busy = STR("");
    for (size_t i = 0; i < n; i++) {
        bool is_alive = nodes[i].silent_ms < NODE_ALIVE_MS;
        a->is_there |= is_alive;
        if (is_alive && nodes[i].still_ms != a->ahead_ms) a->busy = nodes[i].name;
    }
    return true;
}

static bool ask(const struct invocation *invocation, struct asking *a, struct error *reterr) {
    struct store *store = invocation->setup->store;
    if (store_is_shared(store)) return store_read(store, ask_read, a, reterr);
    a->is_there = lock_is_held(invocation->settings->data);
    return true;
}

static bool no_server(const struct invocation *invocation, const struct sandbox_clock *clock, bool was_there,
                      struct error *reterr) {
    struct str now = time_ahead(clock->ahead_ms, invocation->arena);
    if (was_there)
        return error_set(reterr, ERR_UNAVAILABLE,
                         "the server stopped at %.*s; the clock goes on when it is started again", STR_ARG(now));
    struct str target = time_ahead(clock->target_ms, invocation->arena);
    printf("no server works on %s: the clock goes from %.*s to %.*s when one is started\n", invocation->settings->data,
           STR_ARG(now), STR_ARG(target));
    return true;
}

/* Returns when the clock is TARGET_MS ahead and what is due then has ended, or does not end soon. */
static bool wait_until_there(const struct invocation *invocation, int64_t target_ms, struct error *reterr) {
    struct store *store = invocation->setup->store;
    int64_t last_ahead = -1, moved_at = clock_steady_ms();
    for (bool was_there = false;; was_there = true) {
        uint64_t seen = store_generation(store, STORE_ANYTHING);
        struct looking looking;
        if (!store_read(store, look_read, &looking, reterr)) return false;
        const struct sandbox_clock *clock = &looking.clock;
        bool is_there = clock->ahead_ms >= target_ms, is_late = clock_steady_ms() - moved_at > COMPLAIN_MS;
        if (is_there && (!looking.stop.holder || is_late)) {
            struct str now = time_ahead(clock->ahead_ms, invocation->arena);
            printf("%.*s\n", STR_ARG(now));
            if (looking.stop.holder) fprintf(stderr, "not done yet: %s\n", looking.stop.holder);
            return true;
        }
        if (clock->target_ms < target_ms)
            return error_set(reterr, ERR_CONFLICT,
                             "the server did not move the clock: not all of its drivers are "
                             "sandbox drivers");
        CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
        struct asking asking = {.arena = arena, .ahead_ms = clock->ahead_ms};
        if (!ask(invocation, &asking, reterr)) return false;
        if (!asking.is_there) return no_server(invocation, clock, was_there, reterr);
        if (clock->ahead_ms != last_ahead) {
            last_ahead = clock->ahead_ms;
            moved_at = clock_steady_ms();
        } else if (is_late && looking.stop.holder) {
            struct str now = time_ahead(clock->ahead_ms, invocation->arena);
            fprintf(stderr, "still at %.*s: %s\n", STR_ARG(now), looking.stop.holder);
            moved_at = clock_steady_ms();
        } else if (is_late && asking.busy.n) {
            struct str now = time_ahead(clock->ahead_ms, arena);
            fprintf(stderr, "still at %.*s: the node %.*s does not answer, or is at work\n", STR_ARG(now),
                    STR_ARG(asking.busy));
            moved_at = clock_steady_ms();
        }
        wait_for_commit(store, seen);
    }
}

bool run_clock_advance(const struct invocation *invocation, struct error *reterr) {
    const char *by = invocation_value(invocation, "by");
    struct aiming aiming = {0};
    if (!time_span_parse(str_of(by), &aiming.by_ms))
        return error_set(reterr, ERR_INVALID,
                         "--by must be a time of up to 100 years in s, m, h, d, w or y, such as 45d or 1d12h; not "
                         "\"%.40s\"",
                         by);
    const char *real = drivers_not_sandbox(&invocation->setup->drivers);
    if (real)
        return error_set(reterr, ERR_CONFLICT, "the clock can be moved in a sandbox only: the driver %s is none", real);
    if (!store_write(invocation->setup->store, aim_change, &aiming, reterr)) return false;
    if (!invocation_has(invocation, "no-wait")) return wait_until_there(invocation, aiming.clock.target_ms, reterr);
    struct str target = time_ahead(aiming.clock.target_ms, invocation->arena);
    printf("%.*s\n", STR_ARG(target));
    return true;
}
