/* audit: what the files that look at the outside and at dfyd's tables share. */
#pragma once

#include "inside.h"
#include "model_books.h"

/* Whether customers were told of what happened to their money. */
MUST_CHECK bool audit_events(struct db *db, struct run *run, const struct seen_books *books, const bool *placed,
                             struct error *reterr);
/* All of dfyd's books, and the bank's; the registrar's with IS_QUIET. */
MUST_CHECK bool audit_read_books(struct db *db, const struct hostile *hostile, bool is_quiet, struct arena *arena,
                                 struct seen_books *ret, struct error *reterr);
