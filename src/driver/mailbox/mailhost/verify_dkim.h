/*
 * verify_dkim: whether a message that arrived is signed by keys of its domain that the DNS has (RFC 6376, RFC 8463), by
 * libopendkim. Safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "driver/outcome.h"

struct resolver;
struct check_dkim;

/* Never NULL. */
struct check_dkim *check_dkim_create(void);
/* NULL is fine. */
void check_dkim_destroy(struct check_dkim *dkim);

/*
 * MESSAGE is whole, with CRLF. DONE: each signature whose domain is aligned with DOMAIN verifies, and there is one.
 * REFUSED: there is none, or one does not verify. UNKNOWN: the resolver gave no answer, or DEADLINE_MS (of
 * clock_steady_ms) has passed.
 */
enum outcome check_dkim_verify(struct check_dkim *dkim, struct resolver *resolver, struct str message,
                               struct str domain, int64_t deadline_ms, struct arena *arena, struct answer *answer);
