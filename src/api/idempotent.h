/*
 * idempotent: holds a request's Idempotency-Key from its first look to its stored answer, so that a retry is safe.
 * A key that could not be given back, because the disk was full, is given back as soon as there is room: before the
 * next one is claimed, or by idempotent_tidy. One whose request died is taken over after world.lease_ms.
 */
#pragma once

#include "api/call.h"

struct idempotent;

/* Never NULL. STORE must outlive it. */
struct idempotent *idempotent_create(struct store *store);
/* NULL is fine. */
void idempotent_destroy(struct idempotent *idempotent);

/* The request's Idempotency-Key in the arena, empty when it has none. ERR_INVALID when it is not a fit one. */
MUST_CHECK bool idempotent_key(const struct call *call, struct str *ret, struct error *reterr);
/* A key and its claim (store/idempotency.h). */
struct held_key {
    struct str key;     /* empty: none */
    int64_t claimed_ms; /* written by idempotent_claim */
};

/* True when the caller now holds KEY and must end it; else the response is filled. REASSURE as for call_fail. */
MUST_CHECK bool idempotent_claim(struct call *call, struct held_key *key, const char *reassure);
/* Ends KEY with the answer that its retries get. ERR_CONFLICT: the caller took so long that the key is another
 * request's by now. */
MUST_CHECK bool idempotent_store(const struct call *call, const struct held_key *key, struct str answer,
                                 struct error *reterr);
/* Gives back the keys that are left; those that still cannot be stay for the next time. To be called now and then. */
void idempotent_tidy(struct idempotent *idempotent);

/* Ends KEY as if it had never come, unless it is another request's by now. */
void idempotent_drop(const struct call *call, const struct held_key *key);
