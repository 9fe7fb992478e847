/*
 * model_renewals: what was paid for, period by period. Every charge that is not an order's is taken apart into things
 * and periods, and each of them is compared with what the model expects of that thing.
 */
#pragma once

#include "model_books.h"

/* A client was told that a mailbox, or a domain, is cancelled: only the charge with KEY, which was under way then
 * (empty: none was), may still take money for it. All charges so far were looked at before. */
void model_bar_account(struct model *model, struct str account_id, struct str key);
void model_bar_domain(struct model *model, struct str domain_id, struct str key);

/* After model_check_books. */
void model_check_renewals(struct model *model, const struct seen_books *books, const bool *placed, int64_t now_ms,
                          bool is_quiet);
/* Whether a renewal that was never paid took this away: at the end of its schedule things are cancelled by themselves.
 * ACCOUNT_ID may be empty: the domain. */
bool model_was_dunned(const struct seen_books *books, struct str domain_id, struct str account_id);
