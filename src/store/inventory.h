/* inventory: pre-warmed domains for sale, each with the mailboxes it already has. */
#pragma once

#include "core/order.h"
#include "store/db.h"

struct stock {
    struct str domain; /* A-label form */
    enum provider provider;
    bool sold; /* or held by an order that is being placed */
    struct account *accounts;
    size_t n_accounts;
};

/* ERR_CONFLICT when the domain is stocked already or active here. */
MUST_CHECK bool inventory_add(struct db *db, const struct stock *stock, int64_t now_ms, struct error *reterr);
/* Sorted by domain; text from ARENA. ONLY_UNSOLD leaves sold ones out. */
MUST_CHECK bool inventory_list(struct db *db, bool only_unsold, struct arena *arena, struct stock **ret, size_t *ret_n,
                               struct error *reterr);
/* What can be bought now, sorted by domain, without mailboxes. Text from ARENA. */
MUST_CHECK bool inventory_for_sale(struct db *db, struct arena *arena, struct stock **ret, size_t *ret_n,
                                   struct error *reterr);
/* ERR_NOT_FOUND when it is not stocked, ERR_CONFLICT when it is sold. */
MUST_CHECK bool inventory_remove(struct db *db, struct str domain, struct error *reterr);
