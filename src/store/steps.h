/*
 * steps: the work that a placed order still needs, one row a step, readable by people. A step that has run is recorded
 * in the same transaction that moves its account and domain and wakes the steps that waited for it.
 */
#pragma once

#include "base/ids.h"
#include "core/order.h"
#include "core/state.h"
#include "store/db.h"

struct step {
    struct str domain_id, account_id; /* account_id empty: of the domain itself */
    struct str order_id, workspace_id;
    enum step_kind kind;
    enum step_state state;
    int64_t attempts; /* claims so far, this one too; also the fence: a later claim has another number */
    int64_t due_ms;   /* when it runs next; for a running one: when its lease ends */
    struct str reason;
    /* What the step works on; forwarding is what it works towards. */
    struct str domain, forwarding, email, first_name, last_name, sealed_password;
    enum domain_state domain_state;
    enum provider provider;
    bool is_pre_warmed;
    bool is_change;        /* of forwarding that was set up before */
    int64_t paid_years;    /* of the domain */
    bool is_suspended;     /* the mailbox may not be used */
    int64_t access_change; /* the number of that change */
};

/* Leases up to MAX steps that are due, or whose lease ended, until LEASE_UNTIL_MS. Oldest first; text from ARENA. */
MUST_CHECK bool step_claim(struct db *db, int64_t now_ms, int64_t lease_until_ms, size_t max, struct arena *arena,
                           struct step **ret, size_t *ret_n, struct error *reterr);
struct step_end {
    enum step_state state; /* STEP_DONE, STEP_FAILED or STEP_RETRYING */
    struct str reason;     /* of the last two */
    int64_t again_ms;      /* retrying: when */
    int64_t now_ms;
    struct ids *ids;  /* of refunds */
    bool keeps_money; /* a planted bug (step/world.h): nothing is refunded */
    int64_t swap_ms;  /* how long a domain that cannot be registered may be swapped before its refund goes out */
};

/*
 * Records how a claimed step ended. Does nothing, and *ret_stale is true, when the lease was lost meanwhile.
 * Done: the next rank becomes due when nothing of this rank is open; a mailbox becomes ready.
 * Failed: a vital step fails its domain and skips what waits; a mailbox fails alone. What was paid for it goes back,
 * and it is not renewed.
 * The last step to end makes the domain ready or partial. A removed mailbox frees its address, and a change of
 * forwarding takes effect.
 */
MUST_CHECK bool step_record(struct db *db, const struct step *step, const struct step_end *end, bool *ret_stale,
                            struct error *reterr);
/*
 * Wakes what may run next on a domain; with nothing left open, the domain is ready or partial. What was cancelled
 * counts for neither. ABOUT's domain_id, domain, order_id and workspace_id are read.
 */
MUST_CHECK bool step_move_on(struct db *db, const struct step *about, int64_t now_ms, struct error *reterr);
/* Makes the lease of a claimed step longer; *ret_held is false, and nothing changed, when it is somebody else's by now.
 */
MUST_CHECK bool step_extend(struct db *db, struct step *step, int64_t lease_until_ms, bool *ret_held,
                            struct error *reterr);
/* Whether the lease of a claimed step still is its holder's; then it stays so until the end of this transaction. For
 * changes. */
MUST_CHECK bool step_is_held(struct db *db, const struct step *step, bool *ret, struct error *reterr);
/* One step; ERR_NOT_FOUND. ACCOUNT_ID is empty for a domain's own. Text from ARENA. */
MUST_CHECK bool step_get(struct db *db, struct str domain_id, struct str account_id, enum step_kind kind,
                         struct arena *arena, struct step *ret, struct error *reterr);
/* Gives up all leases; at start, when no other process can hold one. */
MUST_CHECK bool step_free_all(struct db *db, int64_t now_ms, struct error *reterr);
/* When the next step, unsettled order or renewal is due, INT64_MAX when none. */
MUST_CHECK bool step_next_due(struct db *db, int64_t *ret_ms, struct error *reterr);
/* All steps of an order: domains and mailboxes in the order of its items, by rank. */
MUST_CHECK bool step_list(struct db *db, struct str order_id, struct arena *arena, struct step **ret, size_t *ret_n,
                          struct error *reterr);
/* The steps of a domain that have not ended, or failed, by rank. */
MUST_CHECK bool step_list_open(struct db *db, struct str domain_id, struct arena *arena, struct step **ret,
                               size_t *ret_n, struct error *reterr);
/* All steps of a domain, whichever order they came with, by rank. */
MUST_CHECK bool step_list_domain(struct db *db, struct str domain_id, struct arena *arena, struct step **ret,
                                 size_t *ret_n, struct error *reterr);
