/* inventory: pre-warmed domains for sale, each with the mailboxes it already has. */
#pragma once

#include "core/stock.h"
#include "store/db.h"

/* ERR_CONFLICT when the domain is stocked already or active here. */
MUST_CHECK bool inventory_add(struct db *db, const struct stock *stock, int64_t now_ms, struct error *reterr);
/* All of them; none of them may be stocked or active, nor twice among them: inventory_known says so. */
MUST_CHECK bool inventory_add_all(struct db *db, const struct stock *stocks, size_t n, int64_t now_ms,
                                  struct error *reterr);
/* Which of N names are stocked already, and which are active here, both sorted; text from ARENA. */
struct known_names {
    struct str *stocked, *active;
    size_t n_stocked, n_active;
};
MUST_CHECK bool inventory_known(struct db *db, const struct str *names, size_t n, struct arena *arena,
                                struct known_names *ret, struct error *reterr);

/* One as the operator sees it. */
struct stock_row {
    struct stock stock;
    struct str order_id, workspace_id, workspace; /* that holds or bought it; empty: none does */
    int64_t created_ms;
};
enum stock_state { STOCK_FOR_SALE, STOCK_SOLD, STOCK_ANY };
struct stock_query {
    enum stock_state state;
    struct str search; /* a part of the name, in any case; empty: all */
    struct str after;  /* the last domain of the page before; empty: from the first */
    size_t limit;
};
/* Sorted by domain; text from ARENA. */
MUST_CHECK bool inventory_page(struct db *db, const struct stock_query *query, struct arena *arena,
                               struct stock_row **ret, size_t *ret_n, struct error *reterr);
/* Sorted by domain; text from ARENA. ONLY_UNSOLD leaves sold ones out. */
MUST_CHECK bool inventory_list(struct db *db, bool only_unsold, struct arena *arena, struct stock **ret, size_t *ret_n,
                               struct error *reterr);
/* What can be bought now, sorted by domain, without mailboxes. Text from ARENA. */
MUST_CHECK bool inventory_for_sale(struct db *db, struct arena *arena, struct stock **ret, size_t *ret_n,
                                   struct error *reterr);
/* ERR_NOT_FOUND when it is not stocked, ERR_CONFLICT when it is sold. */
MUST_CHECK bool inventory_remove(struct db *db, struct str domain, struct error *reterr);
