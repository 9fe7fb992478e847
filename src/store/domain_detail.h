/* domain_detail: a domain with all that hangs on it, for who looks at it alone. */
#pragma once

#include "store/care.h"
#include "store/search.h"
#include "store/steps.h"

struct domain_order {
    struct str id;
    enum order_type type;
    int64_t created_ms;
};

struct domain_detail {
    struct found_domain domain;
    struct str swapped_for; /* the name taken instead of it; empty: none */
    cents year_price, month_price;
    struct found_mailbox *mailboxes; /* newest first */
    size_t n_mailboxes;
    struct step *steps; /* by rank */
    size_t n_steps;
    struct domain_order *orders; /* that bought it, or mailboxes on it; newest first */
    size_t n_orders;
    bool has_care; /* it is in use; else the next two say nothing */
    struct care_key key;
    struct care_check check;
};

/* The newest domain called NAME that WORKSPACE_ID paid for; ERR_NOT_FOUND. A fixed number of queries; all from ARENA.
 */
MUST_CHECK bool domain_detail_get(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                                  struct domain_detail *ret, struct error *reterr);
