/* workspaces: who orders, whether they pay, and what they pay with. Functions take a connection inside store_read or
 * store_write. */
#pragma once

#include "base/ids.h"
#include "store/db.h"

struct workspace {
    char id[UUID_TEXT];
    struct str name; /* unique, 1 to 100 bytes */
    bool plan_active;
    int64_t created_ms, updated_ms;
    bool has_logo;
    struct str org_logo_url;
};

/* What to change; the others stay. */
struct workspace_change {
    bool has_name, has_logo;
    struct str name, org_logo_url;
    bool logo_is_null;
};

/* The default payment method. TOKEN is the payment provider's name for the card; card data is never stored. */
struct card {
    bool exists;
    struct str token, brand, last4, name_on_card;
    struct str driver; /* whose token it is: a name in driver/payment; set with card_set, empty means "sandbox". Of
                          "invoice", on account, the name is the workspace's own */
};

/* By id or by name; ERR_NOT_FOUND. Text from ARENA, here and below. */
MUST_CHECK bool workspace_find(struct db *db, struct str id_or_name, struct arena *arena, struct workspace *ret,
                               struct error *reterr);
/* The same in two, so that more can be asked for at once (stmt_ask). */
MUST_CHECK bool workspace_ask(struct db *db, struct str id_or_name, struct stmt **ret, struct error *reterr);
MUST_CHECK bool workspace_read(struct stmt *asked, struct str id_or_name, struct arena *arena, struct workspace *ret,
                               struct error *reterr);
/* ERR_CONFLICT when the name exists. updated_ms is created_ms then, and there is no logo. */
MUST_CHECK bool workspace_add(struct db *db, const struct workspace *workspace, struct error *reterr);
/* ERR_INVALID for a name of another length, ERR_CONFLICT when it is another's. */
MUST_CHECK bool workspace_change(struct db *db, struct str id, const struct workspace_change *change, int64_t now_ms,
                                 struct error *reterr);
MUST_CHECK bool workspace_set_plan(struct db *db, struct str id, bool active, struct error *reterr);
MUST_CHECK bool workspace_list(struct db *db, struct arena *arena, struct workspace **ret, size_t *ret_n,
                               struct error *reterr);

/* The id of the one that was made first: `default`, unless it was renamed since. ERR_NOT_FOUND: there is none. */
MUST_CHECK bool workspace_first(struct db *db, char ret_id[UUID_TEXT], struct error *reterr);

/* One as the operator sees it. */
struct workspace_row {
    struct workspace workspace;
    struct str payment_driver; /* of its default payment method; empty: it has none */
};
/* At most MAX with an id below BEFORE (empty: from the newest), newest first, with SEARCH somewhere in name or id, in
 * any case. */
MUST_CHECK bool workspace_page(struct db *db, struct str search, struct str before, size_t max, struct arena *arena,
                               struct workspace_row **ret, size_t *ret_n, struct error *reterr);

/* ret->exists is false when there is none. */
MUST_CHECK bool card_get(struct db *db, struct str workspace_id, struct arena *arena, struct card *ret,
                         struct error *reterr);
/* The same in two. */
MUST_CHECK bool card_ask(struct db *db, struct str workspace_id, struct stmt **ret, struct error *reterr);
MUST_CHECK bool card_read(struct stmt *asked, struct arena *arena, struct card *ret, struct error *reterr);
MUST_CHECK bool card_set(struct db *db, struct str workspace_id, const struct card *card, int64_t now_ms,
                         struct error *reterr);
/* *ret_removed says whether there was one. */
MUST_CHECK bool card_remove(struct db *db, struct str workspace_id, bool *ret_removed, struct error *reterr);
