#include "worker/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "step/care.h"
#include "step/deliver.h"
#include "step/provision.h"
#include "step/refund.h"
#include "step/renew.h"
#include "step/settle.h"
#include "step/travel.h"
#include "store/nodes.h"
#include "store/refunds.h"
#include "worker/node.h"

enum {
    BATCH = 4,            /* steps leased at once by one thread */
    LOOK_AGAIN_MS = 1000, /* also finds what other processes left due */
    HELD_MS = 50,         /* until a look whether what another thread held is done */
    DOUBLINGS = 4,        /* of that, at most, while a shared database is away */
    STILL_MS = 1000,    /* how long a node stands still for the sandbox's clock, until it looks whether it is in vain */
    STILL_LOOK_MS = 10, /* between two looks whether the others do */
    REST_MS = 200,      /* and how long it works then */
    GLANCE_MS = 50      /* how often the sandbox's clock looks at the store's generation, a number in memory */
};

/* Where threads of one kind wait. */
struct room {
    pthread_cond_t changed;
    uint64_t wakes; /* how often they were woken: a waiter goes on when it has grown */
};

enum { STEPS, DELIVERIES, CLOCK, CARE, ROOMS };

struct worker {
    const struct world *world;
    struct node *node;
    pthread_mutex_t mutex;
    struct room rooms[ROOMS];
    bool stop;
    /* Held by many who work, or by the clock's thread while it moves the clock. */
    pthread_rwlock_t working;
    uint64_t arrived; /* the store's generation when the clock was where it should be; of the clock's thread */
    unsigned
        n_threads; /* first those that move the clock and care; then those that run steps; then those that deliver */
    pthread_t threads[];
};

static void wake(struct worker *worker, struct room *room) {
    pthread_mutex_lock(&worker->mutex);
    room->wakes++;
    pthread_cond_broadcast(&room->changed);
    pthread_mutex_unlock(&worker->mutex);
}

void worker_hold_clock(struct worker *worker) {
    if (worker) pthread_rwlock_rdlock(&worker->working);
}

void worker_let_clock(struct worker *worker) {
    if (worker) pthread_rwlock_unlock(&worker->working);
}

static bool next_due_read(struct db *db, void *arg, struct error *reterr) {
    int64_t *next = arg, refund;
    if (!step_next_due(db, next, reterr) || !refund_next_due(db, &refund, reterr)) return false;
    if (refund < *next) *next = refund;
    return true;
}

static bool stopping(struct worker *worker) {
    pthread_mutex_lock(&worker->mutex);
    bool stop = worker->stop;
    pthread_mutex_unlock(&worker->mutex);
    return stop;
}

static bool settle(const struct world *world, size_t max, size_t *ret_n, struct error *reterr) {
    return settle_due(world, false, max, ret_n, reterr);
}

/* A batch of each kind. Once the worker is to stop, the batch that it is at is ended, as somebody outside may already
 * know of it, and no other is begun; of steps, those that were not begun are given back. */
static bool work_on_steps(struct worker *worker, struct arena *arena, size_t *ret_n, struct error *reterr) {
    static bool (*const kinds[])(const struct world *, size_t, size_t *, struct error *) = {settle, refund_due,
                                                                                            renew_due};
    const struct world *world = worker->world;
    size_t n;
    *ret_n = 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!kinds[i](world, BATCH, &n, reterr)) return false;
        *ret_n += n;
        if (stopping(worker)) return true;
    }
    struct step *steps;
    if (!provision_claim(world, BATCH, arena, &steps, &n, reterr)) return false;
    *ret_n += n;
    for (size_t i = 0; i < n; i++) {
        if (stopping(worker)) return provision_give_back(world, &steps[i], n - i, reterr);
        bool held;
        if (!provision_keep(world, &steps[i], &held, reterr)) return false;
        if (held && !provision_run(world, &steps[i], reterr)) return false;
    }
    return true;
}

static bool next_delivery_read(struct db *db, void *arg, struct error *reterr) {
    return delivery_next_due(db, arg, reterr);
}

static bool deliver(struct worker *worker, struct arena *arena, size_t *ret_n, struct error *reterr) {
    (void)arena;
    return deliver_due(worker->world, ret_n, reterr);
}

static bool next_care_read(struct db *db, void *arg, struct error *reterr) {
    return care_next_due(db, arg, reterr);
}

/* One domain at a time, so that what is slow or silent outside holds up no order. */
static bool care(struct worker *worker, struct arena *arena, size_t *ret_n, struct error *reterr) {
    (void)arena;
    return care_due(worker->world, 1, ret_n, reterr);
}

/* What is done in a room when something of it is due. */
static const struct job {
    store_fn *next_due; /* sets an int64_t; INT64_MAX: nothing is */
    bool (*run)(struct worker *worker, struct arena *arena, size_t *ret_n, struct error *reterr);
    bool may_tell, may_move_clock; /* may leave something to deliver; the clock may have waited for it */
} jobs[ROOMS] = {
    [STEPS] = {next_due_read, work_on_steps, .may_tell = true, .may_move_clock = true},
    [DELIVERIES] = {next_delivery_read, deliver, .may_move_clock = true},
    [CARE] = {next_care_read, care, .may_tell = true},
};

/* Does what is due. *ret_wait_ms: 0 when there was something, else how long nothing will be. */
static bool job_once(struct worker *worker, const struct job *job, struct arena *arena, int64_t *ret_wait_ms,
                     struct error *reterr) {
    const struct world *world = worker->world;
    int64_t due = INT64_MAX;
    if (!store_read(world->store, job->next_due, &due, reterr)) return false;
    int64_t wait = due - clock_now(world->clock);
    if (wait > 0) {
        *ret_wait_ms = wait < LOOK_AGAIN_MS ? wait : LOOK_AGAIN_MS;
        return true;
    }
    size_t n;
    worker_hold_clock(worker);
    bool ok = job->run(worker, arena, &n, reterr);
    worker_let_clock(worker);
    if (!ok) return false;
    /* Nothing left for this thread: another one holds it and will say when it is done. */
    *ret_wait_ms = n ? 0 : HELD_MS;
    if (n && job->may_tell) wake(worker, &worker->rooms[DELIVERIES]);
    if (n && job->may_move_clock) wake(worker, &worker->rooms[CLOCK]);
    return true;
}

static uint64_t wakes_of(struct worker *worker, const struct room *room) {
    pthread_mutex_lock(&worker->mutex);
    uint64_t wakes = room->wakes;
    pthread_mutex_unlock(&worker->mutex);
    return wakes;
}

static void wait_for_change(struct worker *worker, struct room *room, uint64_t seen, int64_t wait_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stop && room->wakes == seen)
        if (pthread_cond_timedwait(&room->changed, &worker->mutex, &until)) break;
    pthread_mutex_unlock(&worker->mutex);
}

/* The clock shows another time: what is due has changed. */
static void wake_for_time(struct worker *worker) {
    wake(worker, &worker->rooms[STEPS]);
    wake(worker, &worker->rooms[DELIVERIES]);
    wake(worker, &worker->rooms[CARE]);
}

struct stillness {
    const struct worker *worker;
    int64_t ahead_ms;
};

static bool still_change(struct db *db, void *arg, struct error *reterr) {
    const struct stillness *s = arg;
    return nodes_be_still(db, node_id(s->worker->node), s->ahead_ms, reterr);
}

static bool be_still(const struct worker *worker, int64_t ahead_ms, struct error *reterr) {
    struct stillness stillness = {worker, ahead_ms};
    return store_claim(worker->world->store, still_change, &stillness, reterr);
}

/* With nothing worked on here, and that said: moves the clock once all nodes have said it, or somebody else does. */
static bool move_with_others(struct worker *worker, struct travel_view *view, enum travel *ret, struct error *reterr) {
    int64_t until = clock_steady_ms() + STILL_MS;
    for (*ret = TRAVEL_WAITS; !stopping(worker) && clock_steady_ms() < until;) {
        if (!travel_look(worker->world, true, view, reterr)) return false;
        *ret = view->was_moved ? TRAVEL_MOVED : view->is_held ? TRAVEL_HELD : TRAVEL_WAITS;
        if (*ret == TRAVEL_WAITS && !view->is_busy && !travel_on(worker->world, ret, reterr)) return false;
        if (*ret != TRAVEL_WAITS) break;
        wait_for_change(worker, &worker->rooms[CLOCK], wakes_of(worker, &worker->rooms[CLOCK]), STILL_LOOK_MS);
    }
    return true;
}

/* Takes back that nothing is worked on, and then the time: until then it could still be moved. */
static bool work_again(struct worker *worker, struct travel_view *view, struct error *reterr) {
    return be_still(worker, NODE_AT_WORK, reterr) && travel_look(worker->world, true, view, reterr);
}

/* Before each move every node stands still for a moment. */
static bool travel_together(struct worker *worker, struct travel_view *view, enum travel *ret, struct error *reterr) {
    pthread_rwlock_wrlock(&worker->working);
    bool ok = be_still(worker, view->ahead_ms, reterr) && move_with_others(worker, view, ret, reterr);
    struct error second;
    bool was_moved = ok && *ret == TRAVEL_MOVED;
    if (!was_moved && !work_again(worker, view, ok ? reterr : &second)) ok = false;
    if (ok && view->was_moved) *ret = TRAVEL_MOVED;
    pthread_rwlock_unlock(&worker->working);
    return ok;
}

/* On a shared database: takes over what another node moved, and lets the clock be moved when it is to be. */
static bool travel_beside_others(struct worker *worker, int64_t *ret_wait_ms, struct error *reterr) {
    struct travel_view view;
    enum travel end = TRAVEL_HELD;
    *ret_wait_ms = LOOK_AGAIN_MS;
    if (!travel_look(worker->world, false, &view, reterr)) return false;
    if (view.was_moved) {
        pthread_rwlock_wrlock(&worker->working);
        bool ok = travel_look(worker->world, true, &view, reterr);
        pthread_rwlock_unlock(&worker->working);
        if (!ok) return false;
        end = TRAVEL_MOVED;
    } else if (view.is_wanted && !worker->world->sandbox_clock) {
        return travel_on(worker->world, &end, reterr);
    } else if (view.is_wanted && !view.is_held && !travel_together(worker, &view, &end, reterr)) {
        return false;
    }
    if (view.is_wanted) *ret_wait_ms = end == TRAVEL_MOVED ? 0 : end == TRAVEL_WAITS ? REST_MS : GLANCE_MS;
    if (end == TRAVEL_MOVED) wake_for_time(worker);
    return true;
}

/* Moves the clock by one stop when it is to be moved and nothing holds it. */
static bool travel_once(struct worker *worker, int64_t *ret_wait_ms, struct error *reterr) {
    const struct world *world = worker->world;
    if (worker->node && store_is_shared(world->store)) return travel_beside_others(worker, ret_wait_ms, reterr);
    uint64_t generation = store_generation(world->store, STORE_ANYTHING);
    *ret_wait_ms = world->sandbox_clock ? GLANCE_MS : LOOK_AGAIN_MS;
    if (generation == worker->arrived) return true;
    bool wanted;
    if (!travel_is_wanted(world, &wanted, reterr)) return false;
    enum travel end = TRAVEL_THERE;
    if (wanted) {
        pthread_rwlock_wrlock(&worker->working);
        bool ok = travel_on(world, &end, reterr);
        pthread_rwlock_unlock(&worker->working);
        if (!ok) return false;
    }
    if (end == TRAVEL_THERE) worker->arrived = generation;
    if (end != TRAVEL_MOVED) return true;
    *ret_wait_ms = 0;
    wake_for_time(worker);
    return true;
}

/* How long a thread rests after FAILURES in a row. When a shared database is away that is said once for all threads,
 * and they are woken when it is back. */
static int64_t rest_after(struct worker *worker, unsigned failures, const struct error *error) {
    if (node_is_away(worker->node, error)) return LOOK_AGAIN_MS << (failures < DOUBLINGS ? failures : DOUBLINGS);
    log_event(LOG_ERROR, "work_stopped", LOG_TEXT("reason", error->message), LOG_TEXT("next", "again in 1 s"));
    return LOOK_AGAIN_MS;
}

static void work(struct worker *worker, int room) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    unsigned failures = 0;
    while (!stopping(worker)) {
        uint64_t seen = wakes_of(worker, &worker->rooms[room]);
        struct error error = {0};
        int64_t wait_ms = LOOK_AGAIN_MS;
        bool ok = room == CLOCK ? travel_once(worker, &wait_ms, &error)
                                : job_once(worker, &jobs[room], arena, &wait_ms, &error);
        if (ok)
            failures = 0;
        else
            wait_ms = rest_after(worker, failures++, &error);
        arena_reset(arena);
        if (wait_ms > 0) wait_for_change(worker, &worker->rooms[room], seen, wait_ms);
    }
}

static void *run_steps(void *arg) {
    work(arg, STEPS);
    return NULL;
}

static void *run_deliveries(void *arg) {
    work(arg, DELIVERIES);
    return NULL;
}

static void *run_clock(void *arg) {
    work(arg, CLOCK);
    return NULL;
}

static void *run_care(void *arg) {
    work(arg, CARE);
    return NULL;
}

static void wake_all(void *arg) {
    struct worker *worker = arg;
    for (int i = 0; i < ROOMS; i++) wake(worker, &worker->rooms[i]);
}

bool worker_start(const struct world *world, struct node *node, unsigned threads, unsigned hook_threads,
                  struct worker **ret, struct error *reterr) {
    static void *(*const single[])(void *) = {run_clock, run_care};
    unsigned singles = threads ? ARRAY_LEN(single) : 1, all = singles + threads + hook_threads;
    struct worker *worker = calloc(1, sizeof *worker + all * sizeof worker->threads[0]);
    if (!worker) return error_set(reterr, ERR_UNAVAILABLE, "no memory for %u worker threads", all);
    worker->world = world;
    worker->node = node;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_rwlock_init(&worker->working, NULL);
    for (int i = 0; i < ROOMS; i++) pthread_cond_init(&worker->rooms[i].changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (; worker->n_threads < all; worker->n_threads++) {
        unsigned i = worker->n_threads;
        void *(*run)(void *) = i < singles ? single[i] : i < singles + threads ? run_steps : run_deliveries;
        if (pthread_create(&worker->threads[i], NULL, run, worker)) {
            worker_stop(worker);
            return error_set(reterr, ERR_UNAVAILABLE, "cannot start %u worker threads", all);
        }
    }
    node_on_back(node, wake_all, worker);
    *ret = worker;
    return true;
}

void worker_wake(struct worker *worker) {
    wake_all(worker);
}

void worker_stop(struct worker *worker) {
    if (!worker) return;
    node_on_back(worker->node, NULL, NULL);
    pthread_mutex_lock(&worker->mutex);
    worker->stop = true;
    for (int i = 0; i < ROOMS; i++) pthread_cond_broadcast(&worker->rooms[i].changed);
    pthread_mutex_unlock(&worker->mutex);
    for (unsigned i = 0; i < worker->n_threads; i++) pthread_join(worker->threads[i], NULL);
    for (int i = 0; i < ROOMS; i++) pthread_cond_destroy(&worker->rooms[i].changed);
    pthread_rwlock_destroy(&worker->working);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}
