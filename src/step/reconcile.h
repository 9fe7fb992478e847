/* reconcile: compares the payments with a payment driver's own book, both ways. Looks only. */
#pragma once

#include "driver/payment/payment.h"
#include "store/ledger_check.h"
#include "store/store.h"

struct reconciled {
    int64_t movements;   /* in the driver's book */
    int64_t under_way;   /* of them, those whose end is not written down here yet */
    int64_t differences; /* of either side */
};

/* Calls FOUND for each difference. ERR_UPSTREAM when the driver does not hand out its book. All from ARENA. */
MUST_CHECK bool reconcile_driver(struct store *store, struct payment *payment, struct arena *arena,
                                 ledger_found_fn *found, void *arg, struct reconciled *ret, struct error *reterr);
