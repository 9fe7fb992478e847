/*
 * cancel: ends accounts for good. In one transaction an account is cancelled, the step that would make its mailbox
 * ends (whoever is at it can record nothing any more), and a step that removes the mailbox is due as soon as no such
 * worker can be at it. Until that has been done the address stays held, so that no new order meets the old mailbox.
 */
#pragma once

#include "store/audit.h"
#include "store/lists.h"

struct cancellation {
    struct str workspace_id;
    const struct str *emails; /* as sent: any case, repeats */
    size_t n;
    struct str audit_id; /* UUIDv7 for the audit record */
    struct actor actor;
    int64_t now_ms;
};

/*
 * Cancels the accounts of these addresses, and each domain whose last one is cancelled by that; cancelled ones stay as
 * they are, unknown addresses are skipped. *ret: the newest account of each known address, in the order of EMAILS, from
 * ARENA. ERR_NOT_FOUND when none is known.
 */
MUST_CHECK bool cancel_accounts(struct db *db, const struct cancellation *job, struct arena *arena,
                                struct account_row **ret, size_t *ret_n, struct error *reterr);
/* What was not paid for to the end. */
struct cancellation_of_unpaid {
    struct str workspace_id;
    const struct str *account_ids;
    size_t n_accounts;
    const struct str *domain_ids; /* with all their accounts, also those that are only reserved */
    size_t n_domains;
    struct str audit_id; /* UUIDv7 for the audit record, whose actor is nobody */
    int64_t now_ms;
};

/* Cancels all of them that are not cancelled yet, and each domain whose last account is cancelled by that. */
MUST_CHECK bool cancel_unpaid(struct db *db, const struct cancellation_of_unpaid *job, struct error *reterr);
/*
 * Before an order's reserved accounts are given back: they kept their domain from being cancelled while they might have
 * been bought. For order_release.
 */
MUST_CHECK bool cancel_release(struct db *db, struct str order_id, int64_t now_ms, struct error *reterr);
