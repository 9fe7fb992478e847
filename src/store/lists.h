/* lists: a workspace's domains and accounts, newest first, paged by key (never by offset). */
#pragma once

#include "core/order.h"
#include "core/state.h"
#include "store/db.h"

struct domain_row {
    struct str id, name, forwarding; /* forwarding empty: none */
    enum forwarding_mode mode;       /* says nothing without forwarding */
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

/* What of ACCOUNT_COLUMNS a row has; SQL that selects them from accounts a JOIN domains d may be followed by anything.
 */
#define ACCOUNT_COLUMNS                                                                                                \
    "SELECT a.id, d.name, a.email, a.first_name, a.last_name, a.sealed_password, a.provider, a.state,"                 \
    " a.is_pre_warmed, a.created_ms, a.cancelled_ms, a.reason FROM accounts a JOIN domains d ON d.id = a.domain_id "
struct account_row account_row_read(struct stmt *stmt, struct arena *arena);

/* At most LIMIT paid rows with an id below BEFORE (empty: from the newest). Text from ARENA. */
MUST_CHECK bool domain_page(struct db *db, struct str workspace_id, struct str before, size_t limit,
                            struct arena *arena, struct domain_row **ret, size_t *ret_n, struct error *reterr);
MUST_CHECK bool account_page(struct db *db, struct str workspace_id, struct str before, size_t limit,
                             struct arena *arena, struct account_row **ret, size_t *ret_n, struct error *reterr);
/* The paid account that has, or had last, the address EMAIL, in lower case; ERR_NOT_FOUND. */
MUST_CHECK bool account_find(struct db *db, struct str workspace_id, struct str email, struct arena *arena,
                             struct account_row *ret, struct error *reterr);
