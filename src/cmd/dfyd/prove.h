/* prove: the ledger's checks, with what they print; for `dfyd ledger check` and the commands that move a business. */
#pragma once

#include "base/arena.h"
#include "driver/drivers.h"
#include "store/store.h"

/*
 * Checks the books of STORE and compares them with those of the payment drivers that are open in DRIVERS; of one that
 * moved money and is not, it says so when WANTS_ALL. Prints a table of what it looked at, and each difference.
 * ERR_CONFLICT when there is one.
 */
MUST_CHECK bool ledger_prove(struct store *store, const struct drivers *drivers, bool wants_all, struct arena *arena,
                             struct error *reterr);
