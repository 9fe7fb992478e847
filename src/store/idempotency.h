/*
 * idempotency: stored answers for Idempotency-Key, one a workspace and key, kept for at least 24 hours. All of it are
 * changes of that workspace, but for the last two.
 *
 * Who holds a key may die. Then a later request takes it over, once the claim is so old that its request is taken for
 * dead and no reserved order stands behind it. The dead one may only be slow: so it looks, in the transaction that
 * reserves its order, whether the key is still its own.
 */
#pragma once

#include "store/db.h"

enum { IDEMPOTENCY_HASH = 32, IDEMPOTENCY_KEY_MAX = 255 };

enum idempotency { IDEMPOTENCY_NEW, IDEMPOTENCY_DONE, IDEMPOTENCY_RUNNING, IDEMPOTENCY_OTHER_BODY };

struct idempotency_claim {
    struct str workspace_id, key;
    unsigned char body_hash[IDEMPOTENCY_HASH]; /* BLAKE2b-256 of the request's body bytes */
    int64_t now_ms;
    int64_t dead_after_ms; /* so old, above 0, is the claim of a request that is taken for dead */
};

/* A key as it was claimed. */
struct idempotency_hold {
    struct str workspace_id, key;
    int64_t claimed_ms; /* its claim's now_ms, which tells it from a later one; 0: by whoever holds it, for the order
                           that stands behind it */
};

/*
 * IDEMPOTENCY_NEW: the key is now held for the caller, who must end it by idempotency_store, idempotency_drop, or an
 * order's settle or release. IDEMPOTENCY_DONE: *ret_answer, from ARENA, is what was answered.
 */
MUST_CHECK bool idempotency_claim(struct db *db, const struct idempotency_claim *claim, struct arena *arena,
                                  enum idempotency *ret, struct str *ret_answer, struct error *reterr);
/* Whether HOLD still holds the key; then it does until the end of this transaction. */
MUST_CHECK bool idempotency_is_held(struct db *db, const struct idempotency_hold *hold, bool *ret,
                                    struct error *reterr);
/* *ret_held is false, and nothing changed, when it is not held, or not any more. NULL: that does not matter. */
MUST_CHECK bool idempotency_store(struct db *db, const struct idempotency_hold *hold, struct str answer, int64_t now_ms,
                                  bool *ret_held, struct error *reterr);
/* Does nothing when it is not held, or not any more. */
MUST_CHECK bool idempotency_drop(struct db *db, const struct idempotency_hold *hold, struct error *reterr);
/* Drops held keys that no reserved order stands behind (a crash before the order existed); at start, when no other
 * process can hold one. */
MUST_CHECK bool idempotency_free_orphans(struct db *db, struct error *reterr);
/* Drops answers older than BEFORE_MS. */
MUST_CHECK bool idempotency_expire(struct db *db, int64_t before_ms, struct error *reterr);
