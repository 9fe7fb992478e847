/* renewals_inside: what the files of renewals share; nobody else includes it. */
#pragma once

#include "core/dunning.h"
#include "core/state.h"
#include "store/renewals.h"

/*
 * SQL: whether the registrar refused to renew the domain whose id is ID. It runs out: neither it nor its mailboxes are
 * charged for any more.
 */
#define RENEWAL_RUNS_OUT(id)                                                                                           \
    " EXISTS (SELECT 1 FROM steps n WHERE n.domain_id = " id                                                           \
    " AND n.account_id = '' AND n.kind = 'renew_domain' AND n.state = 'failed') "

/* The renewal's mailboxes, those of its domains too, may not be used from now on, or may again unless another unpaid
 * renewal closes them. */
MUST_CHECK bool renewal_suspend(struct db *db, struct str id, int64_t now_ms, struct error *reterr);
MUST_CHECK bool renewal_restore(struct db *db, struct str id, int64_t now_ms, struct error *reterr);
/* Everything that was not paid for is cancelled. */
MUST_CHECK bool renewal_cancel_things(struct db *db, struct ids *ids, struct str id, struct str workspace_id,
                                      int64_t now_ms, struct error *reterr);
/* What lives on waits for its next day. */
MUST_CHECK bool renewal_move_on(struct db *db, struct str id, struct error *reterr);

/* What a workspace is told of a renewal. */
struct renewal_news {
    struct str id, workspace_id;
    cents amount;
    int64_t attempt;  /* 0: of none */
    struct str state; /* the renewal's now */
    struct str next;  /* "try", "cancel", or empty: nothing follows */
    int64_t next_ms;
    struct str domain, reason;
    int64_t now_ms;
};

MUST_CHECK bool renewal_tell(struct db *db, bool succeeded, const struct renewal_news *news, struct error *reterr);
