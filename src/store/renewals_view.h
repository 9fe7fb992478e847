/* renewals_view: renewals as people look at them. */
#pragma once

#include "core/invoice.h"
#include "core/upcoming.h"
#include "store/renewals.h"

struct renewal_row {
    struct str id, workspace_id;
    int64_t day_ms;
    enum renewal_state state;
    cents amount;
    int64_t failures, stage;
    int64_t due_ms;          /* when something is done about it next; once ended: when it ended */
    bool cancels;            /* what is done then is no try: it is cancelled */
    struct str brand, last4; /* of the card that was tried last; empty when there was none */
    struct str reason;
    int64_t created_ms;
    struct invoice_line *lines; /* what is or was charged for */
    size_t n_lines;
};

/* Of a workspace, newest first, those before the id BEFORE (empty: from the newest), at most LIMIT. Text from ARENA. */
MUST_CHECK bool renewals_page(struct db *db, struct str workspace_id, struct str before, size_t limit,
                              struct arena *arena, struct renewal_row **ret, size_t *ret_n, struct error *reterr);
/* Of all workspaces, newest first, those before the id BEFORE (empty: from the newest), at most MAX, without their
 * lines; only unpaid ones that failed or wait for an answer when STUCK. */
MUST_CHECK bool renewals_list(struct db *db, bool stuck, struct str before, size_t max, struct arena *arena,
                              struct renewal_row **ret, size_t *ret_n, struct error *reterr);
/* Those that an order's things are in and that are not paid yet, as renewals_list has them. */
MUST_CHECK bool renewals_of_order(struct db *db, struct str order_id, struct arena *arena, struct renewal_row **ret,
                                  size_t *ret_n, struct error *reterr);
/* What a workspace will be charged for before UNTIL_MS, day by day. What is in an unpaid renewal counts from its next
 * period on. */
MUST_CHECK bool renewals_upcoming(struct db *db, struct str workspace_id, int64_t until_ms, struct arena *arena,
                                  struct upcoming_day **ret, size_t *ret_n, struct error *reterr);
