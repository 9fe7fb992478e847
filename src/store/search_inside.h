/* search_inside: what the files that read found_domain and found_mailbox share; nobody else includes it. */
#pragma once

#include "store/search.h"

/* Of domains d. */
#define FOUND_DOMAIN                                                                                                   \
    "SELECT d.id, d.name, d.order_id, d.forwarding, d.forwarding_mode, d.provider, d.state, d.is_pre_warmed,"          \
    " COALESCE((SELECT c.findings FROM domain_care c WHERE c.domain_id = d.id), '') <> '',"                            \
    " (SELECT COUNT(*) FROM accounts a WHERE a.domain_id = d.id AND (a.state = 'pending' OR a.state = 'ready')),"      \
    " d.created_ms, d.year_renews_ms, d.month_renews_ms, d.cancelled_ms"

enum { FOUND_DOMAIN_COLUMNS = 14 };

/* Of accounts a and domains d. */
#define FOUND_MAILBOX                                                                                                  \
    "SELECT a.id, a.email, a.first_name, a.last_name, d.name, a.reason, a.provider, a.state, a.suspended_ms,"          \
    " a.is_pre_warmed, a.created_ms, a.renews_ms, a.cancelled_ms"

/* A row that begins with them. */
void found_domain_read(struct stmt *stmt, struct arena *arena, struct found_domain *ret);
/* All rows of them. */
MUST_CHECK bool found_mailboxes_read(struct stmt *stmt, struct arena *arena, struct found_mailbox **ret, size_t *ret_n,
                                     struct error *reterr);
