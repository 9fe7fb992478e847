/* care_inside: what the files of the care share; nobody else includes it. */
#pragma once

#include "store/care.h"

/* Of domains d, and domain_care c, which may be missing: then all of it is 0 or empty. */
#define CARE_COLUMNS                                                                                                   \
    "d.id, d.name, d.workspace_id, d.order_id, d.forwarding, d.forwarding_mode, d.provider, d.state, c.due_ms,"        \
    " c.attempts, c.is_leased, c.dkim_rotation, COALESCE(c.dkim_phase, 'sole'), c.dkim_since_ms, c.dkim_again_ms,"     \
    " c.dkim_tries, c.dkim_reason, c.checked_ms, c.check_again_ms, c.check_tries, c.unclear_since_ms,"                 \
    " c.unclear_reason, c.findings"

enum { CARE_N_COLUMNS = 23 };

/* A row that begins with them. */
void care_read_row(struct stmt *stmt, struct arena *arena, struct care *ret);
/* The domain NAME, which has to be in use: ERR_NOT_FOUND, ERR_CONFLICT. */
MUST_CHECK bool care_find(struct db *db, struct str name, struct arena *arena, struct care *ret, struct error *reterr);
/* Writes what a check found and tells of it, if CARE's lease is held. */
MUST_CHECK bool care_write_check(struct db *db, const struct care *care, const struct care_checked *checked,
                                 int64_t now_ms, bool *ret_held, struct error *reterr);
