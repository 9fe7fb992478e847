/*
 * renewals: what is paid for again when its period ends. A thing (mailbox, a domain's year, a Microsoft domain's month)
 * waits for its day; then it goes into the renewal of its workspace for that day, and waits for its next day once that
 * is paid. So a thing is in one unpaid renewal at most, and no period is lost or charged twice, whatever the clock
 * does. Each change is one transaction; a renewal's lease has a number, as a step's has.
 */
#pragma once

#include "base/ids.h"
#include "core/bill.h"
#include "store/db.h"

enum renewal_state {
    RENEWAL_DUE,       /* tried at its time */
    RENEWAL_CHARGING,  /* leased; a charge may be under way */
    RENEWAL_PAID,      /* the things wait for their next day */
    RENEWAL_SUSPENDED, /* not paid: its mailboxes may not be used until it is */
    RENEWAL_CANCELLED, /* not paid to the end: its things are cancelled */
    RENEWAL_VOID,      /* nothing of it was wanted any more, or delivered yet */
    RENEWAL_STATE_END
};

/* "due", ...; as stored. */
extern const char *const renewal_state_names[RENEWAL_STATE_END];

/* A placed order's things wait for their first day from now on. Those that have one, or had, keep it. */
MUST_CHECK bool renewal_begin(struct db *db, struct str order_id, struct error *reterr);
/* The things of a workspace that wait for a day. */
struct renewal_group {
    char workspace_id[UUID_TEXT];
    int64_t day_ms; /* INT64_MAX: nothing waits */
};

/* That of the earliest day. */
MUST_CHECK bool renewal_first_group(struct db *db, struct renewal_group *ret, struct error *reterr);
/* Makes a renewal of GROUP's things, which can be claimed at once. Does nothing when none of them waits any more. A
 * change of that workspace. */
MUST_CHECK bool renewal_collect(struct db *db, struct ids *ids, const struct renewal_group *group, int64_t now_ms,
                                struct error *reterr);

/* One try to charge a renewal. */
struct renewal_try {
    struct str id, workspace_id;
    int64_t attempts; /* the lease's number: a later claim has another */
    int64_t failures, stage, next_ms;
    cents amount;                           /* 0: there is nothing to charge */
    struct str payment_id;                  /* the charge's key; empty with an amount of 0 and without a card */
    int64_t payment_ms;                     /* when the key was written down */
    struct str driver, token, brand, last4; /* of the card as it was then; empty: there was none */
    bool is_too_large;  /* its sum leaves the range of money, so that nobody can be asked for it; amount is the most */
    bool is_resumed;    /* the charge was under way before: ask what became of it, and nothing else first */
    bool is_unanswered; /* and was asked about then, without a clear answer */
};

/*
 * Leases up to MAX renewals that are due, or whose lease ended, until LEASE_UNTIL_MS; the longest due first, text from
 * ARENA. What they are about is not looked at: renewal_start has to follow.
 */
MUST_CHECK bool renewal_claim(struct db *db, int64_t now_ms, int64_t lease_until_ms, size_t max, struct arena *arena,
                              struct renewal_try **ret, size_t *ret_n, struct error *reterr);

enum renewal_start {
    RENEWAL_STARTED, /* to be charged */
    RENEWAL_ENDED,   /* without a try: nothing was wanted any more, or its last day had come */
    RENEWAL_LOST,    /* the lease belongs to someone else by now; nothing was done */
};

/*
 * Begins a claimed try. Its amount and bill are fixed by what is still wanted, and the key of the charge is durable.
 * When its last day has come it is cancelled with its things. Does nothing to one that is resumed. CHARGE_ALL: a
 * planted bug (step/world.h), what was cancelled is charged too. A change of its workspace.
 */
MUST_CHECK bool renewal_start(struct db *db, struct ids *ids, struct renewal_try *attempt, int64_t now_ms,
                              bool charge_all, struct arena *arena, enum renewal_start *ret, struct error *reterr);

enum renewal_end {
    RENEWAL_END_PAID,
    RENEWAL_END_FAILED,  /* nothing was charged: the schedule goes on */
    RENEWAL_END_AGAIN,   /* nothing was charged, by no fault of the customer's: due again at once */
    RENEWAL_END_UNKNOWN, /* asked about again later */
};

struct renewal_result {
    enum renewal_end end;
    struct str reference; /* paid: the provider's name for the charge */
    bool was_asked;       /* failed: the provider was asked to charge */
    struct str decline;   /* failed: the contract's word; may be empty */
    struct str reason;    /* failed and unknown */
    int64_t again_ms;     /* unknown */
    int64_t now_ms;
};

/*
 * Records how a try ended, in the books too. *ret_stale, and nothing is changed, when the lease was lost meanwhile.
 * Paid: the things wait for their next day and may be used, domains are due to be renewed at their registrar, and what
 * was cancelled meanwhile is refunded. Failed: tried again, or suspended, by the schedule.
 */
MUST_CHECK bool renewal_record(struct db *db, struct ids *ids, const struct renewal_try *attempt,
                               const struct renewal_result *result, bool *ret_stale, struct error *reterr);
/* Gives up all leases; at start, when no other process can hold one. */
MUST_CHECK bool renewal_free_all(struct db *db, int64_t now_ms, struct error *reterr);
/* Tries it at once. ERR_NOT_FOUND; ERR_CONFLICT when a charge is under way or it has ended. */
MUST_CHECK bool renewal_retry(struct db *db, struct str id, int64_t now_ms, struct error *reterr);
/*
 * The registrar refuses to renew a domain: what its newest renewal took for it goes back, nothing is charged for it any
 * more, and its owner is told.
 */
MUST_CHECK bool renewal_refused(struct db *db, struct ids *ids, struct str domain_id, struct str reason, int64_t now_ms,
                                struct error *reterr);
/* The times at which something is due by itself are at or after this; INT64_MAX when there is nothing. */
MUST_CHECK bool renewal_next_due(struct db *db, int64_t *ret_ms, struct error *reterr);
