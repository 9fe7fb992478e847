/* refund_amounts: how much of a bill goes back. For refunds.c and swap.c. */
#pragma once

#include "core/bill.h"
#include "store/db.h"

/* An order or renewal that was paid. */
struct paid_bill {
    enum bill_kind kind;
    struct str id, workspace_id, payment_id, driver;
    cents left; /* of the charge; what is decided on counts as gone */
};

/* *ret_is_paid is false, and *ret untouched, when no charge of that id was made. Text from ARENA. */
MUST_CHECK bool refund_bill(struct db *db, struct str bill_id, struct arena *arena, struct paid_bill *ret,
                            bool *ret_is_paid, struct error *reterr);
/* What goes back for a domain, or for one mailbox of it; 0 when nothing was paid for it or it is refunded already.
 * Never more than is left of the bill. */
MUST_CHECK bool refund_amount_of(struct db *db, const struct paid_bill *bill, struct str domain_id,
                                 struct str account_id, cents *ret, struct error *reterr);
/* Says what BILL_ID is instead of a paid bill. Always false. */
MUST_CHECK bool refund_refuse_unpaid(struct db *db, struct str bill_id, struct error *reterr);
