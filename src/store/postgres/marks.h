/*
 * marks: what tells whether a transaction was committed whose answer was lost. Each writing transaction inserts a row
 * of its own into write_marks; whoever asks later inserts the same one and so learns which came first. If the question
 * does, the transaction can never be committed any more: its own insert fails.
 */
#pragma once

#include "base/ids.h"
#include "store/postgres/pool.h"

/* Inserts the mark ID with the next statement that is waited for. */
MUST_CHECK bool mark_queue(struct db *db, struct str id, struct error *reterr);
/*
 * Asks until UNTIL what became of the transaction with the mark ID. False: no server answered, and it is still not
 * known. When it had happened, it is also as durable (replicated, say) as any commit that was answered.
 */
MUST_CHECK bool mark_ask(struct pool *pool, const char *id, int64_t until, bool *ret_happened, struct error *reterr);
/* Deletes some of the marks that are older than a day, within UNTIL; *ret_more when there may be more of them. */
MUST_CHECK bool marks_clean(struct pool *pool, int64_t until, bool *ret_more, struct error *reterr);
