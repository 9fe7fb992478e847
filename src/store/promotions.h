/*
 * promotions: what the operator takes off prices for a while, and how far it is used. Uses are counted when an order is
 * reserved and given back when it is released, so a limit holds whatever happens at once.
 */
#pragma once

#include "base/ids.h"
#include "core/promotion.h"
#include "store/db.h"

struct promotion_row {
    struct str id, name, workspace_id; /* workspace_id empty: for every workspace */
    struct str workspace; /* its name; empty: for every one, or there is none of that id. Not read by promotion_add */
    enum promotion_kind kind;
    int64_t value;                       /* as struct promotion has it; 0 for first_month */
    int64_t starts_ms, ends_ms;          /* from the first moment with it to the first without; INT64_MAX: open */
    int64_t max_orders, max_orders_each; /* of all workspaces together, of each; 0: any number */
    int64_t used_orders;                 /* not read by promotion_add */
    int64_t created_ms;
};

/* ERR_INVALID for a value, name or window that is none; ERR_CONFLICT when the name exists. */
MUST_CHECK bool promotion_add(struct db *db, const struct promotion_row *row, struct error *reterr);
/* NAME ends at AT_MS, not before NOW_MS. ERR_NOT_FOUND; ERR_CONFLICT when it has ended before. */
MUST_CHECK bool promotion_end(struct db *db, struct str name, int64_t at_ms, int64_t now_ms, struct error *reterr);
struct promotion_query {
    bool all; /* else only those that have not ended at now_ms */
    int64_t now_ms;
    struct str only;   /* the id of one; empty: all */
    struct str name;   /* of one; empty: all */
    struct str before; /* the id of the last of the page before; empty: from the newest */
    struct str search; /* a part of the name, in any case; empty: all */
    size_t max;        /* 0: any number */
};
/* Newest first. Text from ARENA. */
MUST_CHECK bool promotion_list(struct db *db, const struct promotion_query *query, struct arena *arena,
                               struct promotion_row **ret, size_t *ret_n, struct error *reterr);

/*
 * Those that WORKSPACE_ID may use at NOW_MS, oldest first. *ret_until_ms: when the next one starts or ends; INT64_MAX:
 * none does. Text from ARENA.
 */
MUST_CHECK bool promotions_open(struct db *db, struct str workspace_id, int64_t now_ms, struct arena *arena,
                                struct promotion **ret, size_t *ret_n, int64_t *ret_until_ms, struct error *reterr);
/* The same in two, so that more can be asked for at once (stmt_ask). */
MUST_CHECK bool promotions_ask(struct db *db, struct str workspace_id, int64_t now_ms, struct stmt **ret,
                               struct error *reterr);
MUST_CHECK bool promotions_read(struct stmt *asked, int64_t now_ms, struct arena *arena, struct promotion **ret,
                                size_t *ret_n, int64_t *ret_until_ms, struct error *reterr);

/* Counts an order of WORKSPACE_ID with N_DOMAINS free domains. ERR_CONFLICT when the promotion has ended or is used up:
 * the order is priced anew. */
MUST_CHECK bool promotion_use(struct db *db, struct str id, struct str workspace_id, int64_t n_domains, int64_t now_ms,
                              struct error *reterr);
/* Counts without looking at limits and times: for promotion_use. */
MUST_CHECK bool promotion_count(struct db *db, struct str id, struct str workspace_id, int64_t n_domains,
                                struct error *reterr);
/* Takes that back. */
MUST_CHECK bool promotion_give_back(struct db *db, struct str id, struct str workspace_id, int64_t n_domains,
                                    struct error *reterr);
