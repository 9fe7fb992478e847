/*
 * auth: who is calling, from the Authorization and x-as-workspace headers or the console's cookie, and what the key may
 * do. What was read from
 * the database is kept a thread, and is used again for as long as nothing was committed and no price or promotion
 * starts or ends: no query and no lock then.
 */
#pragma once

#include "core/promotion.h"
#include "http/http.h"
#include "store/keys.h"
#include "store/sessions.h"
#include "store/store.h"
#include "store/workspaces.h"

struct auth;

struct identity {
    struct api_key key;
    struct workspace workspace; /* the one acted for */
    struct card card;
    struct prices prices;
    struct promotion *promotions; /* that it may use, oldest first */
    size_t n_promotions;
    int64_t until_ms;                    /* both are those until then; INT64_MAX: until something is committed */
    unsigned char session[SESSION_HASH]; /* that opened it, as the database knows it */
    int64_t session_expires_ms;          /* by the system's clock; 0: no cookie said who calls */
};

/* Never NULL. STORE and CLOCK must outlive it. IS_HTTPS: customers reach this server over https (cookie.h). */
struct auth *auth_create(struct store *store, const struct clock *clock, bool is_https);
/* NULL is fine. No other thread may be using it. */
void auth_destroy(struct auth *auth);
/*
 * The caller of REQUEST; *ret is good until this thread's next auth_find. ERR_UNAUTHORIZED, ERR_FORBIDDEN (acting for
 * another workspace, or a cookie that another site made the browser send), ERR_NOT_FOUND (no such workspace), or what
 * the store says.
 */
MUST_CHECK bool auth_find(struct auth *auth, const struct http_request *request, const struct identity **ret,
                          struct error *reterr);
/* The same for who has the key SECRET. */
MUST_CHECK bool auth_find_key(struct auth *auth, struct str secret, const struct identity **ret, struct error *reterr);
/* What this thread has read is read anew, though nobody said that it changed: something else shows it. */
void auth_forget(struct auth *auth);
/* Whether KEY's scopes allow RESOURCE:ACTION; else ERR_FORBIDDEN naming those that would do. For all:all, which is
 * about the whole business, the key has to be an operator's, too. */
MUST_CHECK bool auth_allows(const struct api_key *key, const char *resource, const char *action, struct error *reterr);
