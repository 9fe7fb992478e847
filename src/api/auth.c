#include "api/auth.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/cookie.h"
#include "core/scopes.h"
#include "store/price_book.h"
#include "store/promotions.h"

enum { ENTRIES = 64, TAG = crypto_shorthash_siphashx24_BYTES };

/* What shows who calls. */
struct credential {
    struct str token;
    bool is_session; /* of the console's cookie; else a key */
    struct str as;   /* x-as-workspace, an id or what nobody has; empty: not sent */
};

/* One caller as read at one generation of the store. */
struct entry {
    bool filled;
    int64_t now_ms; /* when it was read */
    uint64_t generation;
    unsigned char tag[TAG]; /* of the token */
    bool is_session;
    unsigned char hash[KEY_HASH];
    char as[UUID_TEXT]; /* as in the credential */
    struct arena *arena;
    struct identity identity;
};

/* A thread's own; found through the thread key, freed through the list. */
struct cache {
    struct cache *next;
    struct entry entries[ENTRIES];
};

struct auth {
    struct store *store;
    const struct clock *clock;
    bool is_https;
    /*
     * A token is known again by its SipHash of 128 bits under a secret of this process: as safe as the hash that the
     * database keeps for as long as the secret is one, and several times cheaper.
     */
    unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
    pthread_key_t cache_of_thread;
    _Atomic(struct cache *) caches;
};

struct auth *auth_create(struct store *store, const struct clock *clock, bool is_https) {
    struct auth *auth = calloc(1, sizeof *auth);
    if (!auth || pthread_key_create(&auth->cache_of_thread, NULL) != 0) abort();
    auth->store = store;
    auth->clock = clock;
    auth->is_https = is_https;
    randombytes_buf(auth->secret, sizeof auth->secret);
    atomic_init(&auth->caches, NULL);
    return auth;
}

void auth_destroy(struct auth *auth) {
    if (!auth) return;
    for (struct cache *cache = atomic_load(&auth->caches), *next; cache; cache = next) {
        next = cache->next;
        for (size_t i = 0; i < ENTRIES; i++) arena_destroy(cache->entries[i].arena);
        free(cache);
    }
    pthread_key_delete(auth->cache_of_thread);
    free(auth);
}

static struct cache *own_cache(struct auth *auth) {
    struct cache *cache = pthread_getspecific(auth->cache_of_thread);
    if (cache) return cache;
    cache = calloc(1, sizeof *cache);
    if (!cache || pthread_setspecific(auth->cache_of_thread, cache) != 0) abort();
    cache->next = atomic_load(&auth->caches);
    while (!atomic_compare_exchange_weak(&auth->caches, &cache->next, cache)) {}
    return cache;
}

static int64_t system_ms(void) {
    struct clock clock = clock_system();
    return clock_now(&clock);
}

static bool read_key(struct db *db, struct entry *entry, struct error *reterr) {
    struct identity *identity = &entry->identity;
    identity->session_expires_ms = 0;
    bool found = entry->is_session ? session_find(db, identity->session, system_ms(), entry->arena, &identity->key,
                                                  &identity->session_expires_ms, reterr)
                                   : key_find(db, entry->hash, entry->arena, &identity->key, reterr);
    if (found || reterr->code != ERR_NOT_FOUND) return found;
    return error_set(reterr, ERR_UNAUTHORIZED, "%s",
                     entry->is_session ? "The session ended. Sign in again." : "Invalid API key");
}

static bool read_entry(struct db *db, void *arg, struct error *reterr) {
    struct entry *entry = arg;
    struct identity *identity = &entry->identity;
    if (!read_key(db, entry, reterr)) return false;
    struct str as = str_of(entry->as);
    if (as.n && !identity->key.is_operator)
        return error_set(reterr, ERR_FORBIDDEN, "Only an operator's API key may send x-as-workspace");
    struct str id = as.n ? as : str_of(identity->key.workspace_id);
    struct stmt *workspace, *card, *promotions; /* asked for at once */
    struct price_asked prices;
    if (!workspace_ask(db, id, &workspace, reterr) || !card_ask(db, id, &card, reterr) ||
        !price_book_ask(db, id, entry->now_ms, &prices, reterr) ||
        !promotions_ask(db, id, entry->now_ms, &promotions, reterr))
        return false;
    if (!workspace_read(workspace, id, entry->arena, &identity->workspace, reterr)) {
        if (reterr->code == ERR_NOT_FOUND) error_set(reterr, ERR_NOT_FOUND, "Resource not found");
        return false;
    }
    /* A workspace whose name looks like the id of another is not meant. */
    if (!str_is(id, identity->workspace.id)) return error_set(reterr, ERR_NOT_FOUND, "Resource not found");
    int64_t prices_ms, promotions_ms;
    if (!card_read(card, entry->arena, &identity->card, reterr) ||
        !price_book_read(&prices, &identity->prices, &prices_ms, reterr) ||
        !promotions_read(promotions, entry->now_ms, entry->arena, &identity->promotions, &identity->n_promotions,
                         &promotions_ms, reterr))
        return false;
    identity->until_ms = prices_ms < promotions_ms ? prices_ms : promotions_ms;
    return true;
}

/* The token of "Bearer TOKEN" (RFC 6750 section 2.1; the scheme in any case, RFC 9110 section 11.1). */
static bool bearer_token(struct str value, struct str *ret, struct error *reterr) {
    struct str token = STR(""), scheme = str_cut(str_trim(value), ' ', &token);
    token = str_trim(token);
    if (scheme.n != 6 || strncasecmp(scheme.p, "Bearer", 6) != 0 || token.n == 0 || memchr(token.p, ' ', token.n))
        return error_set(reterr, ERR_UNAUTHORIZED, "Invalid authorization header");
    *ret = token;
    return true;
}

static bool read_credential(const struct auth *auth, const struct http_request *request, struct credential *ret,
                            struct error *reterr) {
    bool has_header, is_for_other;
    struct str header = http_header(request, "Authorization", &has_header);
    struct credential found = {.as = http_header(request, "x-as-workspace", &is_for_other)};
    /* Anything but an id is nobody's; the key is judged first all the same, so the text goes on as a name that no
     * workspace can have. */
    if (is_for_other && !uuid_is_valid(found.as)) found.as = STR("\n");
    if (!has_header) found.token = cookie_token(request, auth->is_https);
    found.is_session = found.token.n > 0;
    if (!has_header && !found.is_session) return error_set(reterr, ERR_UNAUTHORIZED, "Missing Authorization header");
    bool ok = has_header ? bearer_token(header, &found.token, reterr) : cookie_check_origin(request, reterr);
    if (ok) *ret = found;
    return ok;
}

static bool is_known(const struct entry *entry, const struct credential *credential, const unsigned char tag[TAG],
                     uint64_t generation, int64_t now) {
    /* A clock that was set back brings earlier prices back, too. */
    return entry->filled && entry->generation == generation && now >= entry->now_ms && now < entry->identity.until_ms &&
           memcmp(entry->tag, tag, TAG) == 0 && entry->is_session == credential->is_session &&
           str_is(credential->as, entry->as) &&
           (!entry->is_session || system_ms() < entry->identity.session_expires_ms);
}

static bool find(struct auth *auth, const struct credential *credential, const struct identity **ret,
                 struct error *reterr) {
    unsigned char tag[TAG];
    crypto_shorthash_siphashx24(tag, (const unsigned char *)credential->token.p, credential->token.n, auth->secret);
    uint64_t generation = store_generation(auth->store, STORE_IDENTITIES);
    struct entry *entry = &own_cache(auth)->entries[(tag[0] ^ str_hash(credential->as)) % ENTRIES];
    int64_t now = clock_now(auth->clock);
    if (!is_known(entry, credential, tag, generation, now)) {
        if (entry->arena)
            arena_reset(entry->arena);
        else
            entry->arena = arena_create(1024);
        memcpy(entry->tag, tag, TAG);
        entry->is_session = credential->is_session;
        if (entry->is_session)
            session_hash(credential->token, entry->identity.session);
        else
            key_hash(credential->token, entry->hash);
        memset(entry->as, 0, sizeof entry->as);
        memcpy(entry->as, credential->as.p, credential->as.n);
        entry->generation = generation;
        entry->now_ms = now;
        entry->filled = false;
        if (!store_read(auth->store, read_entry, entry, reterr)) return false;
        entry->filled = true;
    }
    *ret = &entry->identity;
    return true;
}

bool auth_find(struct auth *auth, const struct http_request *request, const struct identity **ret,
               struct error *reterr) {
    struct credential credential = {.token = STR(""), .as = STR("")};
    return read_credential(auth, request, &credential, reterr) && find(auth, &credential, ret, reterr);
}

bool auth_find_key(struct auth *auth, struct str secret, const struct identity **ret, struct error *reterr) {
    return find(auth, &(struct credential){.token = secret, .as = STR("")}, ret, reterr);
}

void auth_forget(struct auth *auth) {
    struct cache *cache = own_cache(auth);
    for (size_t i = 0; i < ENTRIES; i++) cache->entries[i].filled = false;
}

bool auth_allows(const struct api_key *key, const char *resource, const char *action, struct error *reterr) {
    bool is_allowed = scopes_allow(key->scopes, str_of(resource), str_of(action));
    if (strcmp(resource, "all") == 0)
        return (is_allowed && key->is_operator) ||
               error_set(reterr, ERR_FORBIDDEN,
                         "This call is about all workspaces and needs an operator's API key with the scope all:all; who"
                         " runs this server makes one with `dfyd key create --operator --scope all:all`");
    if (is_allowed) return true;
    return error_set(reterr, ERR_FORBIDDEN, "This API key needs one of the scopes %s:%s, %s:all, all:%s, all:all",
                     resource, action, resource, action);
}
