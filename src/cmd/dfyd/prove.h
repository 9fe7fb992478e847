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
/* The same with no other book than the sandbox's, where FOLDER has one: for a business that nobody serves just now. A
 * real provider's is compared by `dfyd ledger check`, with the server's settings. */
MUST_CHECK bool ledger_prove_folder(struct store *store, const char *folder, struct arena *arena, struct error *reterr);
