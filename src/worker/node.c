#include "worker/node.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "store/migrate.h"
#include "store/nodes.h"

enum { AWAY_MS = 500 }; /* between two looks whether the database is back */

struct node {
    struct node_config config;
    struct store *store;
    char id[UUID_TEXT];
    struct node_row row;
    bool is_shared;
    atomic_llong alive;
    atomic_bool away;
    int64_t away_since_ms; /* steady; under the mutex */

    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stop, look_now;

    pthread_mutex_t calling; /* held while back is called */
    void (*back)(void *arg);
    void *back_arg;
};

struct beating {
    const struct node *node;
    int64_t alive;
};

static bool beat_change(struct db *db, void *arg, struct error *reterr) {
    struct beating *b = arg;
    return nodes_beat(db, &b->node->row, &b->alive, reterr) && migrate_still_fits(db, reterr);
}

/* On SQLite whoever else has a row was killed: this process holds the lock. */
static bool join_change(struct db *db, void *arg, struct error *reterr) {
    struct beating *b = arg;
    return (b->node->is_shared || nodes_forget_others(db, b->node->row.id, reterr)) && beat_change(db, arg, reterr);
}

static bool leave_change(struct db *db, void *arg, struct error *reterr) {
    const struct node *node = arg;
    return nodes_leave(db, node->row.id, reterr);
}

bool node_is_away(struct node *node, const struct error *error) {
    bool is_it = error->code == ERR_UNAVAILABLE || error->code == ERR_UNSURE;
    if (!node || !node->is_shared || !is_it) return false;
    if (atomic_exchange(&node->away, true)) return true;
    log_event(LOG_WARN, "database_away", LOG_TEXT("reason", error->message),
              LOG_TEXT("then", "calls are answered with 503 and work waits; it goes on by itself"));
    pthread_mutex_lock(&node->mutex);
    node->away_since_ms = clock_steady_ms();
    node->look_now = true;
    pthread_cond_signal(&node->changed);
    pthread_mutex_unlock(&node->mutex);
    return true;
}

static void note_back(struct node *node) {
    if (!atomic_exchange(&node->away, false)) return;
    pthread_mutex_lock(&node->mutex);
    int64_t away_ms = clock_steady_ms() - node->away_since_ms;
    pthread_mutex_unlock(&node->mutex);
    log_event(LOG_INFO, "database_back", LOG_INT("after_ms", away_ms));
    pthread_mutex_lock(&node->calling);
    if (node->back) node->back(node->back_arg);
    pthread_mutex_unlock(&node->calling);
}

void node_on_back(struct node *node, void (*fn)(void *arg), void *arg) {
    if (!node) return;
    pthread_mutex_lock(&node->calling);
    node->back = fn;
    node->back_arg = arg;
    pthread_mutex_unlock(&node->calling);
}

/* False: there is nothing left to say it for. */
static bool beat(struct node *node) {
    struct beating beating = {.node = node};
    struct error error = {0};
    if (store_claim(node->store, beat_change, &beating, &error)) {
        atomic_store(&node->alive, beating.alive);
        note_back(node);
        return true;
    }
    if (node_is_away(node, &error)) return true;
    bool is_outdated = error.code == ERR_INVALID;
    log_event(LOG_ERROR, is_outdated ? "program_too_old" : "node_not_seen", LOG_TEXT("reason", error.message),
              LOG_TEXT("then", is_outdated ? "the node ends" : "said again in 5 s"));
    if (is_outdated) node->config.outdated(node->config.arg);
    return !is_outdated;
}

/* Until it is time for the next beat; false: until the end. */
static bool wait_for_beat(struct node *node) {
    int64_t wait_ms = atomic_load(&node->away) ? AWAY_MS : NODE_BEAT_MS;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&node->mutex);
    while (!node->stop && !node->look_now)
        if (pthread_cond_timedwait(&node->changed, &node->mutex, &until)) break;
    node->look_now = false;
    bool stop = node->stop;
    pthread_mutex_unlock(&node->mutex);
    return !stop;
}

static void *live(void *arg) {
    struct node *node = arg;
    while (wait_for_beat(node) && beat(node)) {}
    return NULL;
}

bool node_join(const struct node_config *config, struct node **ret, struct error *reterr) {
    struct node *node = calloc(1, sizeof *node);
    if (!node) abort();
    struct clock system = clock_system();
    node->config = *config;
    node->store = config->world->store;
    node->is_shared = store_is_shared(node->store);
    ids_uuid(config->world->ids, node->id);
    node->row = (struct node_row){
        .id = str_of(node->id),
        .name = str_of(config->name),
        .version = str_of(config->version),
        .roles = str_of(config->roles),
        .started_ms = clock_now(&system),
    };
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&node->mutex, NULL);
    pthread_mutex_init(&node->calling, NULL);
    pthread_cond_init(&node->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    struct beating beating = {.node = node};
    bool ok = store_claim(node->store, join_change, &beating, reterr);
    atomic_init(&node->away, !ok); /* a row that is not there need not be taken away */
    atomic_init(&node->alive, beating.alive);
    if (ok && node->is_shared) {
        node->has_thread = pthread_create(&node->thread, NULL, live, node) == 0;
        ok = node->has_thread || error_set(reterr, ERR_UNAVAILABLE, "cannot start a thread");
    }
    if (!ok) {
        node_leave(node);
        return false;
    }
    *ret = node;
    return true;
}

void node_leave(struct node *node) {
    if (!node) return;
    pthread_mutex_lock(&node->mutex);
    node->stop = true;
    pthread_cond_signal(&node->changed);
    pthread_mutex_unlock(&node->mutex);
    if (node->has_thread) pthread_join(node->thread, NULL);
    /* Else the others notice by its silence. */
    struct error ignored;
    if (!atomic_load(&node->away) && !store_claim(node->store, leave_change, node, &ignored)) node->stop = true;
    pthread_cond_destroy(&node->changed);
    pthread_mutex_destroy(&node->calling);
    pthread_mutex_destroy(&node->mutex);
    free(node);
}

struct str node_id(const struct node *node) {
    return node->row.id;
}

int64_t node_count(const struct node *node) {
    int64_t alive = node ? atomic_load(&node->alive) : 1;
    return alive > 1 ? alive : 1;
}
