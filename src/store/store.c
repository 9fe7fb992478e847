#include "store/store.h"

#include "store/engine.h"

bool store_open(const struct store_config *config, struct store **ret, struct error *reterr) {
    return config->url ? store_open_postgres(config, ret, reterr) : store_open_sqlite(config, ret, reterr);
}

void store_close(struct store *store) {
    if (store) store->ops->close(store);
}

bool store_write(struct store *store, store_fn *change, void *arg, struct error *reterr) {
    return store->ops->write(store, SCOPE_OPERATOR, STR(""), change, arg, reterr);
}

bool store_write_of(struct store *store, struct str workspace_id, store_fn *change, void *arg, struct error *reterr) {
    return store->ops->write(store, SCOPE_WORKSPACE, workspace_id, change, arg, reterr);
}

bool store_claim(struct store *store, store_fn *change, void *arg, struct error *reterr) {
    return store->ops->write(store, SCOPE_CLAIM, STR(""), change, arg, reterr);
}

bool store_read(struct store *store, store_fn *read, void *arg, struct error *reterr) {
    return store->ops->read(store, read, arg, reterr);
}

bool store_tally(struct store *store, int64_t wait_ms, store_fn *fn, void *arg, struct error *reterr) {
    return store->ops->tally(store, wait_ms, fn, arg, reterr);
}

uint64_t store_generation(struct store *store, enum store_topic topic) {
    return store->ops->generation(store, topic);
}

void store_on_news(struct store *store, void (*fn)(void *arg), void *arg) {
    store->ops->on_news(store, fn, arg);
}

bool store_is_shared(const struct store *store) {
    return store->ops->is_shared;
}

static _Thread_local int64_t wait_until = INT64_MAX;

void store_wait_until(int64_t until_ms) {
    wait_until = until_ms;
}

int64_t store_until(int64_t wait_ms) {
    int64_t now = clock_steady_ms(), least = now + wait_ms / 4, most = now + wait_ms;
    if (wait_until >= most) return most;
    return wait_until > least ? wait_until : least;
}

void store_tidy(struct store *store) {
    store->ops->tidy(store);
}

static bool beat(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return stmt_run(db_stmt(db, "UPDATE heartbeat SET beats = beats + 1 WHERE id = 1"), NULL, reterr);
}

bool store_ready(struct store *store, struct error *reterr) {
    return store_claim(store, beat, NULL, reterr);
}
