/* care_inside: what the files of the care share; nobody else includes it. */
#pragma once

#include "store/care.h"

#define CARE_COLUMNS                                                                                                   \
    "SELECT d.id, d.name, d.workspace_id, d.order_id, d.forwarding, d.forwarding_mode, d.provider, d.state, c.due_ms," \
    " c.attempts, c.is_leased, c.dkim_rotation, c.dkim_phase, c.dkim_since_ms, c.dkim_again_ms, c.dkim_tries,"         \
    " c.dkim_reason, c.checked_ms, c.check_again_ms, c.check_tries, c.unclear_since_ms, c.unclear_reason, c.findings"  \
    " FROM domain_care c JOIN domains d ON d.id = c.domain_id "

/* A row of them. */
void care_read_row(struct stmt *stmt, struct arena *arena, struct care *ret);
/* The domain NAME, which has to be in use: ERR_NOT_FOUND, ERR_CONFLICT. */
MUST_CHECK bool care_find(struct db *db, struct str name, struct arena *arena, struct care *ret, struct error *reterr);
/* Writes what a check found and tells of it, if CARE's lease is held. */
MUST_CHECK bool care_write_check(struct db *db, const struct care *care, const struct care_checked *checked,
                                 int64_t now_ms, bool *ret_held, struct error *reterr);
