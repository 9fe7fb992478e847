/* refunds: money that goes back, one row each from the decision to its end. step/refund.h pays them out. */
#pragma once

#include "base/ids.h"
#include "core/bill.h"
#include "store/db.h"

struct refund_request {
    enum bill_kind bill_kind;
    struct str bill_id;    /* the order or renewal that took the money */
    struct str domain_id;  /* what could not be delivered */
    struct str account_id; /* one mailbox of it; empty: all that the bill took for the domain and is not refunded yet */
    struct str why;        /* for people */
    int64_t wait_until_ms; /* until then the customer may take another domain instead; 0: it goes back at once */
    int64_t now_ms;
};

/*
 * Decides on a refund of what was paid: its amount comes from the bill, after discounts. Entered in the books. The same
 * thing of the same bill is refunded once: asking again changes nothing. *ret_amount: what this call decided on; 0 when
 * nothing was paid for it, or all of it is refunded already.
 */
MUST_CHECK bool refund_decide(struct db *db, struct ids *ids, const struct refund_request *request, cents *ret_amount,
                              struct error *reterr);
