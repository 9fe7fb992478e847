/* lists: a workspace's domains and accounts, newest first, paged by key (never by offset). */
#pragma once

#include "core/order.h"
#include "core/state.h"
#include "store/db.h"

struct domain_row {
    struct str id, name, forwarding; /* forwarding empty: none */
    bool is_pre_warmed;
    enum domain_state state;
    int64_t created_ms, cancelled_ms; /* cancelled_ms 0: active */
};

struct account_row {
    struct str id, domain, email, first_name, last_name;
    struct str sealed_password; /* bytes for the vault */
    enum provider provider;
    enum account_state state;
    bool is_pre_warmed;
    int64_t created_ms, cancelled_ms;
    struct str reason; /* of a failed one */
};

/* At most LIMIT paid rows with an id below BEFORE (empty: from the newest). Text from ARENA. */
MUST_CHECK bool domain_page(struct db *db, struct str workspace_id, struct str before, size_t limit,
                            struct arena *arena, struct domain_row **ret, size_t *ret_n, struct error *reterr);
MUST_CHECK bool account_page(struct db *db, struct str workspace_id, struct str before, size_t limit,
                             struct arena *arena, struct account_row **ret, size_t *ret_n, struct error *reterr);
