/* price_book: the operator's prices over the standard ones, for everyone or for one workspace. */
#pragma once

#include "core/prices.h"
#include "store/db.h"

/* What WORKSPACE_ID pays: its own price, else the operator's, else the standard. */
MUST_CHECK bool price_book_get(struct db *db, struct str workspace_id, struct prices *ret, struct error *reterr);
/* WORKSPACE_ID empty: for everyone. */
MUST_CHECK bool price_book_set(struct db *db, struct str workspace_id, enum price price, cents amount, int64_t now_ms,
                               struct error *reterr);
/* Back to what it was without this entry. */
MUST_CHECK bool price_book_unset(struct db *db, struct str workspace_id, enum price price, struct error *reterr);
