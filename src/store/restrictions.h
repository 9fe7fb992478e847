/* restrictions: the operator's restricted and allowed words and domains. Functions take a connection inside store_read
 * or store_write. */
#pragma once

#include "core/restricted.h"
#include "store/db.h"

/* A number that grows with every change of the rows; at least 1. */
MUST_CHECK bool restrictions_version(struct db *db, int64_t *ret, struct error *reterr);
/* All of them, sorted by entry; *ret_created_ms (may be NULL) has one element a row. From ARENA. */
MUST_CHECK bool restrictions_list(struct db *db, struct arena *arena, struct restriction **ret,
                                  int64_t **ret_created_ms, size_t *ret_n, struct error *reterr);
/* Adds it, or puts it in the place of one for the same entry and workspace. */
MUST_CHECK bool restrictions_set(struct db *db, const struct restriction *restriction, int64_t now_ms,
                                 struct error *reterr);
/* ERR_NOT_FOUND when there is none. */
MUST_CHECK bool restrictions_remove(struct db *db, struct str entry, struct str workspace_id, struct error *reterr);
