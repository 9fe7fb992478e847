/* domain_view: domains as an operator looks at them: what they are, how far their keys are, what is wrong. */
#pragma once

#include "core/order.h"
#include "store/care.h"
#include "store/lists.h"
#include "store/steps.h"

struct viewed_care {
    struct care care; /* without care: only what stands in the domain itself */
    bool has_care;    /* it is in use */
    bool is_pre_warmed;
    int64_t created_ms, cancelled_ms;
    int64_t n_mailboxes;  /* that are ready */
    struct str reason;    /* of the first step that failed or is tried again; empty: none */
    int64_t next_step_ms; /* when the next open step runs; 0: none is open */
};

struct domain_steps {
    struct step *steps; /* that have not ended, or failed */
    size_t n;
    struct account_row *accounts; /* all but reserved ones, newest first */
    size_t n_accounts;
};

/* Newest first, at most MAX, paid ones alone. STUCK: only those with a step that is tried again, a change of keys that
 * waits, or findings. Text from ARENA. */
MUST_CHECK bool domain_list(struct db *db, bool stuck, size_t max, struct arena *arena, struct viewed_care **ret,
                            size_t *ret_n, struct error *reterr);
/* The newest domain called NAME; ERR_NOT_FOUND. */
MUST_CHECK bool domain_find(struct db *db, struct str name, struct arena *arena, struct viewed_care *ret,
                            struct error *reterr);
MUST_CHECK bool domain_steps(struct db *db, struct str domain_id, struct arena *arena, struct domain_steps *ret,
                             struct error *reterr);
