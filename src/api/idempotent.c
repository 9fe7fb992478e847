#include "api/idempotent.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/idempotency.h"

/* Keys that wait to be given back. Each stands for a failed write, so there are few; more are left to the next start.
 */
enum { LEFT_MAX = 1024 };

struct left_key {
    struct left_key *next;
    char workspace_id[UUID_TEXT];
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

static bool drop_all(struct db *db, void *arg, struct error *reterr) {
    for (const struct left_key *key = arg; key; key = key->next)
        if (!idempotency_drop(db, str_of(key->workspace_id), (struct str){key->key, key->n}, reterr)) return false;
    return true;
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
    if (!keys) return true;
    if (!store_write(idempotent->store, drop_all, keys, reterr)) {
        leave(idempotent, keys, n);
        return false;
    }
    free_keys(keys);
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

bool idempotent_claim(struct call *call, struct str key, const char *reassure) {
    struct claiming c = {
        .claim = {.workspace_id = workspace_of(call), .key = key, .now_ms = clock_now(call->config->world->clock)},
        .arena = call->arena,
    };
    crypto_generichash(c.claim.body_hash, sizeof c.claim.body_hash, (const unsigned char *)call->request->body.p,
                       call->request->body.n, NULL, 0);
    struct error error = {0};
    if (!drop_left(call->idempotent, &error) || !store_write(call->idempotent->store, claim_change, &c, &error)) {
        call_fail(call, &error, reassure);
        return false;
    }
    switch (c.result) {
    case IDEMPOTENCY_NEW:
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
    struct str workspace_id, key, answer;
    int64_t now_ms;
};

static bool store_change(struct db *db, void *arg, struct error *reterr) {
    const struct storing *s = arg;
    return idempotency_store(db, s->workspace_id, s->key, s->answer, s->now_ms, reterr);
}

bool idempotent_store(const struct call *call, struct str key, struct str answer, struct error *reterr) {
    struct storing s = {workspace_of(call), key, answer, clock_now(call->config->world->clock)};
    return store_write(call->idempotent->store, store_change, &s, reterr);
}

void idempotent_drop(const struct call *call, struct str key) {
    struct left_key *one = calloc(1, sizeof *one);
    if (!one) abort();
    struct str workspace = workspace_of(call);
    memcpy(one->workspace_id, workspace.p, workspace.n);
    one->n = key.n;
    memcpy(one->key, key.p, key.n);

    struct error error = {0};
    if (store_write(call->idempotent->store, drop_all, one, &error)) {
        free(one);
        return;
    }
    bool keep = atomic_load(&call->idempotent->n_left) < LEFT_MAX;
    log_event(LOG_WARN, "idempotency_key_not_dropped", LOG_TEXT("reason", error.message),
              LOG_TEXT("next", keep ? "dropped once there is room" : "answers 409 until the next start"));
    if (keep)
        leave(call->idempotent, one, 1);
    else
        free(one);
}
