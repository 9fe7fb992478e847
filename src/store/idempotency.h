/*
 * idempotency: stored answers for Idempotency-Key, one a workspace and key, kept for at least 24 hours.
 */
#pragma once

#include "store/db.h"

enum { IDEMPOTENCY_HASH = 32, IDEMPOTENCY_KEY_MAX = 255 };

enum idempotency { IDEMPOTENCY_NEW, IDEMPOTENCY_DONE, IDEMPOTENCY_RUNNING, IDEMPOTENCY_OTHER_BODY };

struct idempotency_claim {
    struct str workspace_id, key;
    unsigned char body_hash[IDEMPOTENCY_HASH]; /* BLAKE2b-256 of the request's body bytes */
    int64_t now_ms;
};

/*
 * IDEMPOTENCY_NEW: the key is now held for the caller, who must end it by idempotency_store, idempotency_drop, or an
 * order's settle or release. IDEMPOTENCY_DONE: *ret_answer, from ARENA, is what was answered.
 */
MUST_CHECK bool idempotency_claim(struct db *db, const struct idempotency_claim *claim, struct arena *arena,
                                  enum idempotency *ret, struct str *ret_answer, struct error *reterr);
MUST_CHECK bool idempotency_store(struct db *db, struct str workspace_id, struct str key, struct str answer,
                                  int64_t now_ms, struct error *reterr);
MUST_CHECK bool idempotency_drop(struct db *db, struct str workspace_id, struct str key, struct error *reterr);
/* Drops held keys that no reserved order stands behind (a crash before the order existed); at start. */
MUST_CHECK bool idempotency_free_orphans(struct db *db, struct error *reterr);
/* Drops answers older than BEFORE_MS. */
MUST_CHECK bool idempotency_expire(struct db *db, int64_t before_ms, struct error *reterr);
