#include "hourly.h"

#include "base/log.h"
#include "store/deliveries.h"
#include "store/edge_names.h"
#include "store/idempotency.h"
#include "store/minutes.h"
#include "store/nodes.h"
#include "store/sessions.h"

enum {
    KEEP_HOURS = 48, /* stored answers; 24 are promised */
    HOUR_MS = 60 * 60 * 1000,
    KEEP_EVENT_DAYS = 30,
    EXPIRE_BATCH = 5000, /* events in one transaction */
};

static bool expire_change(struct db *db, void *arg, struct error *reterr) {
    const int64_t *before = arg;
    return idempotency_expire(db, *before, reterr);
}

static void expire_answers(struct store *store, int64_t now_ms) {
    struct error error;
    int64_t before = now_ms - (int64_t)KEEP_HOURS * HOUR_MS;
    if (!store_claim(store, expire_change, &before, &error))
        log_event(LOG_WARN, "answers_not_expired", LOG_TEXT("error", error.message),
                  LOG_TEXT("then", "tried again in an hour"));
}

struct expiry {
    int64_t before_ms;
    size_t n;
};

static bool expire_events_change(struct db *db, void *arg, struct error *reterr) {
    struct expiry *expiry = arg;
    return delivery_expire(db, expiry->before_ms, EXPIRE_BATCH, &expiry->n, reterr);
}

static void expire_events(struct store *store, int64_t now_ms) {
    struct error error;
    struct expiry expiry = {.before_ms = now_ms - (int64_t)KEEP_EVENT_DAYS * 24 * HOUR_MS};
    do {
        if (store_claim(store, expire_events_change, &expiry, &error)) continue;
        log_event(LOG_WARN, "events_not_expired", LOG_TEXT("error", error.message),
                  LOG_TEXT("then", "tried again in an hour"));
        return;
    } while (expiry.n >= EXPIRE_BATCH);
}

static bool forget_nodes_change(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return nodes_forget_silent(db, reterr);
}

/* Those that were killed. On SQLite the next start does it. */
static void forget_nodes(struct store *store) {
    struct error error;
    if (store_is_shared(store) && !store_claim(store, forget_nodes_change, NULL, &error))
        log_event(LOG_WARN, "nodes_not_forgotten", LOG_TEXT("error", error.message),
                  LOG_TEXT("then", "tried again in an hour"));
}

static bool forget_changes_change(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return edge_names_forget(db, reterr);
}

static void forget_changes(struct store *store) {
    struct error error;
    if (store_is_shared(store) && !store_claim(store, forget_changes_change, NULL, &error))
        log_event(LOG_WARN, "changes_not_forgotten", LOG_TEXT("error", error.message),
                  LOG_TEXT("then", "tried again in an hour"));
}

static bool forget_sessions_change(struct db *db, void *arg, struct error *reterr) {
    const int64_t *now_ms = arg;
    return sessions_forget(db, *now_ms, reterr);
}

static void forget_sessions(struct store *store) {
    struct error error;
    struct clock clock = clock_system();
    int64_t now_ms = clock_now(&clock);
    if (!store_claim(store, forget_sessions_change, &now_ms, &error))
        log_event(LOG_WARN, "sessions_not_forgotten", LOG_TEXT("error", error.message),
                  LOG_TEXT("then", "tried again in an hour"));
}

static bool expire_minutes_change(struct db *db, void *arg, struct error *reterr) {
    const int64_t *before = arg;
    return minutes_expire(db, *before, reterr);
}

static void expire_minutes(struct store *store, int64_t now_ms) {
    struct error error;
    int64_t before = now_ms - MINUTES_KEPT_MS;
    if (!store_claim(store, expire_minutes_change, &before, &error))
        log_event(LOG_WARN, "minutes_not_expired", LOG_TEXT("error", error.message),
                  LOG_TEXT("then", "tried again in an hour"));
}

void hourly_run(struct store *store, int64_t now_ms) {
    expire_answers(store, now_ms);
    expire_events(store, now_ms);
    forget_sessions(store);
    forget_nodes(store);
    forget_changes(store);
    expire_minutes(store, now_ms);
}
