/* bills: the lines of orders and renewals, one a domain and kind. The sum of their amounts is what is charged. */
#pragma once

#include "core/bill.h"
#include "store/db.h"

/* BILL_ID: of the order or renewal. POSITION from 0. */
MUST_CHECK bool bill_line_add(struct db *db, struct str bill_id, int64_t position, const struct bill_line *line,
                              struct error *reterr);
/* All of a bill, in their order; text from ARENA. */
MUST_CHECK bool bill_lines_get(struct db *db, struct str bill_id, struct arena *arena, struct bill_line **ret,
                               size_t *ret_n, struct error *reterr);
