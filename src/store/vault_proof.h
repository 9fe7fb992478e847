/*
 * vault_proof: keeps a database and its DIR/secret.key together. At first use the key seals a proof into the database;
 * later a missing or another key is refused, before it seals anything that the right one could not open.
 */
#pragma once

#include "store/store.h"
#include "store/vault.h"

/* Opens the vault of STORE's database in DIR. ERR_INVALID, naming the file, when the key is not the database's. */
MUST_CHECK bool vault_proof_open(struct store *store, const char *dir, struct rng *rng, struct vault *ret,
                                 struct error *reterr);
