#include "api/idempotent.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/idempotency.h"

/* Keys that wait to be given back. Each stands for a failed write, so there are few; more are left to who takes them
 * over. */
enum { LEFT_MAX = 1024 };

struct left_key {
    struct left_key *next;
    char workspace_id[UUID_TEXT];
    int64_t claimed_ms;
    size_t n;
    char key[IDEMPOTENCY_KEY_MAX];
};

struct idempotent {
    struct store *store;
    pthread_mutex_t mutex;
    struct left_key *left;
    _Atomic size_t n_left;
};

struct idempotent *idempotent_create(struct store *store) {
    struct idempotent *idempotent = calloc(1, sizeof *idempotent);
    if (!idempotent || pthread_mutex_init(&idempotent->mutex, NULL) != 0) abort();
    idempotent->store = store;
    atomic_init(&idempotent->n_left, 0);
    return idempotent;
}

static void free_keys(struct left_key *first) {
    for (struct left_key *key = first, *next; key; key = next) {
        next = key->next;
        free(key);
    }
}

void idempotent_destroy(struct idempotent *idempotent) {
    if (!idempotent) return;
    free_keys(idempotent->left);
    pthread_mutex_destroy(&idempotent->mutex);
    free(idempotent);
}

bool idempotent_key(const struct call *call, struct str *ret, struct error *reterr) {
    bool present;
    struct str key = http_header(call->request, "Idempotency-Key", &present);
    *ret = STR("");
    if (!present) return true;
    bool ok = key.n >= 1 && key.n <= IDEMPOTENCY_KEY_MAX;
    for (size_t i = 0; ok && i < key.n; i++) ok = key.p[i] > ' ' && key.p[i] < 0x7f;
    if (!ok)
        return error_set(reterr, ERR_INVALID, "Idempotency-Key must be 1 to %d visible ASCII characters, no spaces",
                         IDEMPOTENCY_KEY_MAX);
    *ret = arena_str(call->arena, key);
    return true;
}

static struct str workspace_of(const struct call *call) {
    return str_of(call->identity->workspace.id);
}

/* ---- keys left over ---- */

static bool drop_change(struct db *db, void *arg, struct error *reterr) {
    const struct left_key *key = arg;
    const struct idempotency_hold hold = {
        .workspace_id = str_of(key->workspace_id), .key = {key->key, key->n}, .claimed_ms = key->claimed_ms};
    return idempotency_drop(db, &hold, reterr);
}

static bool drop_one(struct idempotent *idempotent, struct left_key *key, struct error *reterr) {
    return store_write_of(idempotent->store, str_of(key->workspace_id), drop_change, key, reterr);
}

static void leave(struct idempotent *idempotent, struct left_key *keys, size_t n) {
    struct left_key **end = &keys;
    while (*end) end = &(*end)->next;
    pthread_mutex_lock(&idempotent->mutex);
    *end = idempotent->left;
    idempotent->left = keys;
    atomic_fetch_add(&idempotent->n_left, n);
    pthread_mutex_unlock(&idempotent->mutex);
}

static bool drop_left(struct idempotent *idempotent, struct error *reterr) {
    if (atomic_load(&idempotent->n_left) == 0) return true;
    pthread_mutex_lock(&idempotent->mutex);
    struct left_key *keys = idempotent->left;
    idempotent->left = NULL;
    size_t n = atomic_exchange(&idempotent->n_left, 0);
    pthread_mutex_unlock(&idempotent->mutex);
    while (keys) {
        if (!drop_one(idempotent, keys, reterr)) {
            leave(idempotent, keys, n);
            return false;
        }
        struct left_key *dropped = keys;
        keys = keys->next;
        n--;
        free(dropped);
    }
    return true;
}

void idempotent_tidy(struct idempotent *idempotent) {
    struct error ignored; /* was logged when the key was left */
    if (drop_left(idempotent, &ignored)) return;
}

/* ---- claim, store, drop ---- */

struct claiming {
    struct idempotency_claim claim;
    struct arena *arena;
    enum idempotency result;
    struct str answer;
};

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct claiming *c = arg;
    return idempotency_claim(db, &c->claim, c->arena, &c->result, &c->answer, reterr);
}

static struct left_key *copy_key(const struct call *call, const struct held_key *key) {
    struct left_key *copy = calloc(1, sizeof *copy);
    if (!copy) abort();
    struct str workspace = workspace_of(call);
    memcpy(copy->workspace_id, workspace.p, workspace.n);
    copy->claimed_ms = key->claimed_ms;
    copy->n = key->key.n;
    memcpy(copy->key, key->key.p, key->key.n);
    return copy;
}

/* To be given back later. */
static void leave_one(struct idempotent *idempotent, struct left_key *key, const struct error *error) {
    bool keep = atomic_load(&idempotent->n_left) < LEFT_MAX;
    log_event(LOG_WARN, "idempotency_key_not_dropped", LOG_TEXT("reason", error->message),
              LOG_TEXT("next", keep ? "dropped once that works" : "answers 409 until lease_ms are over"));
    if (keep)
        leave(idempotent, key, 1);
    else
        free(key);
}

bool idempotent_claim(struct call *call, struct held_key *key, const char *reassure) {
    const struct world *world = call->config->world;
    struct claiming c = {
        .claim = {.workspace_id = workspace_of(call),
                  .key = key->key,
                  .now_ms = clock_now(world->clock),
                  .dead_after_ms = world->lease_ms},
        .arena = call->arena,
    };
    key->claimed_ms = c.claim.now_ms;
    crypto_generichash(c.claim.body_hash, sizeof c.claim.body_hash, (const unsigned char *)call->request->body.p,
                       call->request->body.n, NULL, 0);
    struct error error = {0};
    if (!drop_left(call->idempotent, &error)) {
        call_fail(call, &error, reassure);
        return false;
    }
    if (!store_write_of(call->idempotent->store, c.claim.workspace_id, claim_change, &c, &error)) {
        if (error.code == ERR_UNSURE) {
            /* Claimed or not, nothing is done under it. */
            leave_one(call->idempotent, copy_key(call, key), &error);
            error.code = ERR_UNAVAILABLE;
        }
        call_fail(call, &error, reassure);
        return false;
    }
    switch (c.result) {
    case IDEMPOTENCY_NEW:
        world_reached(world, "key.claimed");
        return true;
    case IDEMPOTENCY_DONE:
        buf_add(&call->response->body, c.answer);
        http_response_header(call->response, "Idempotency-Replayed", "true");
        call_answer(call);
        return false;
    case IDEMPOTENCY_RUNNING:
        error_set(&error, ERR_CONFLICT,
                  "The first request with this Idempotency-Key is still running. Send it again a little later.");
        break;
    case IDEMPOTENCY_OTHER_BODY:
        error_set(&error, ERR_UNPROCESSABLE,
                  "This Idempotency-Key came with another body before. Use a new key for another order.");
        break;
    }
    call_refuse(call, &error);
    return false;
}

struct storing {
    struct idempotency_hold hold;
    struct str answer;
    int64_t now_ms;
    bool held;
};

static bool store_change(struct db *db, void *arg, struct error *reterr) {
    struct storing *s = arg;
    return idempotency_store(db, &s->hold, s->answer, s->now_ms, &s->held, reterr);
}

bool idempotent_store(const struct call *call, const struct held_key *key, struct str answer, struct error *reterr) {
    struct storing s = {
        .hold = {.workspace_id = workspace_of(call), .key = key->key, .claimed_ms = key->claimed_ms},
        .answer = answer,
        .now_ms = clock_now(call->config->world->clock),
    };
    if (!store_write_of(call->idempotent->store, s.hold.workspace_id, store_change, &s, reterr)) return false;
    return s.held || error_set(reterr, ERR_CONFLICT,
                               "This request took so long that another one with its Idempotency-Key has taken its"
                               " place. Send it again to get the answer of that one.");
}

void idempotent_drop(const struct call *call, const struct held_key *key) {
    struct left_key *one = copy_key(call, key);
    struct error error = {0};
    if (drop_one(call->idempotent, one, &error))
        free(one);
    else
        leave_one(call->idempotent, one, &error);
}
