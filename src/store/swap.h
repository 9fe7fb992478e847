/*
 * swap: another name in place of a domain that could not be registered, under the same order, at the same price. As
 * long as its refund waits, and in one transaction with the end of that refund: so the customer gets one of the two.
 */
#pragma once

#include "base/ids.h"
#include "core/order.h"
#include "store/audit.h"
#include "store/db.h"

/* A mailbox that the new domain gets. */
struct swap_account {
    struct str old_id, order_id;
    struct account account;
    /* Filled in by who swaps. */
    char id[UUID_TEXT];
    struct str sealed_password;
};

struct swap_plan {
    struct str old_id, old_name, order_id, workspace_id;
    struct str forwarding; /* empty: none */
    enum provider provider;
    struct str new_name;           /* empty: not swapped yet */
    struct swap_account *accounts; /* of one that is not swapped yet */
    size_t n_accounts;
};

/*
 * What a swap of the workspace's domain NAME would do or, with new_name, did. ERR_NOT_FOUND: no such domain.
 * ERR_CONFLICT: it did not fail, or nothing waits to go back for it. Text from ARENA.
 */
MUST_CHECK bool swap_look(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                          struct swap_plan *ret, struct error *reterr);

struct swap {
    const struct swap_plan *plan; /* with each account's id and password */
    struct str name;              /* the new domain's */
    struct str id;                /* the same */
    struct str audit_id;
    struct ids *ids; /* of refunds */
    struct actor actor;
    int64_t now_ms;
};

/*
 * Does it: the refund is dropped, the new domain takes the old one's place on its bills, and its steps are due. What
 * was paid for mailboxes that are cancelled by now stays with the old one, and goes back. *ret_is_stale, and nothing is
 * changed: the plan holds no longer. ERR_CONFLICT: the new name was taken meanwhile.
 */
MUST_CHECK bool swap_do(struct db *db, const struct swap *swap, bool *ret_is_stale, struct error *reterr);
