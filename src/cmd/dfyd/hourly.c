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

struct hour {
    int64_t now_ms;
    bool again; /* there is more of the same */
};

static bool expire_answers(struct db *db, void *arg, struct error *reterr) {
    const struct hour *hour = arg;
    return idempotency_expire(db, hour->now_ms - (int64_t)KEEP_HOURS * HOUR_MS, reterr);
}

static bool expire_events(struct db *db, void *arg, struct error *reterr) {
    struct hour *hour = arg;
    size_t n;
    if (!delivery_expire(db, hour->now_ms - (int64_t)KEEP_EVENT_DAYS * 24 * HOUR_MS, EXPIRE_BATCH, &n, reterr))
        return false;
    hour->again = n >= EXPIRE_BATCH;
    return true;
}

/* They end by the system's clock, wherever the sandbox's is. */
static bool forget_sessions(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    struct clock clock = clock_system();
    return sessions_forget(db, clock_now(&clock), reterr);
}

static bool expire_minutes(struct db *db, void *arg, struct error *reterr) {
    const struct hour *hour = arg;
    return minutes_expire(db, hour->now_ms - MINUTES_KEPT_MS, reterr);
}

/* Those that were killed. On SQLite the next start does it. */
static bool forget_nodes(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return nodes_forget_silent(db, reterr);
}

static bool forget_changes(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return edge_names_forget(db, reterr);
}

static const struct task {
    store_fn *change;
    const char *failed; /* said in the log when it could not be done */
    bool only_shared;   /* on a shared database alone */
} tasks[] = {
    {expire_answers, "answers_not_expired", false},     {expire_events, "events_not_expired", false},
    {forget_sessions, "sessions_not_forgotten", false}, {expire_minutes, "minutes_not_expired", false},
    {forget_nodes, "nodes_not_forgotten", true},        {forget_changes, "changes_not_forgotten", true},
};

static bool do_task(struct store *store, const struct task *task, struct hour *hour) {
    struct error error;
    hour->again = false;
    if (store_claim(store, task->change, hour, &error)) return true;
    log_event(LOG_WARN, task->failed, LOG_TEXT("error", error.message), LOG_TEXT("then", "tried again in an hour"));
    return false;
}

void hourly_run(struct store *store, int64_t now_ms) {
    struct hour hour = {.now_ms = now_ms};
    for (const struct task *task = tasks; task < tasks + ARRAY_LEN(tasks); task++)
        if (!task->only_shared || store_is_shared(store))
            while (do_task(store, task, &hour) && hour.again) {}
}
