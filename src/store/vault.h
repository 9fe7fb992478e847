/*
 * vault: seals what must never lie readable in the database (mailbox passwords) with a key kept outside it, in
 * DIR/secret.key (32 bytes, mode 0600, made at first use). XSalsa20-Poly1305 (libsodium secretbox), random nonce.
 * Read-only after opening; safe to share between threads.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/ids.h"

struct vault {
    unsigned char key[32];
};

/*
 * Reads DIR/secret.key, or makes it when it is missing and MAY_MAKE. Refuses a key file that others can read, naming
 * the file and the mode to set.
 */
MUST_CHECK bool vault_open(const char *dir, bool may_make, struct vault *ret, struct error *reterr);
/* A vault with a key drawn from RNG, kept nowhere; for the simulator. */
void vault_init(struct vault *vault, struct rng *rng);
/* Wipes the key. */
void vault_finish(struct vault *vault);
/* Nonce and box as bytes from ARENA. */
struct str vault_seal(const struct vault *vault, struct rng *rng, struct str plain, struct arena *arena);
/* ERR_INTERNAL when it was not sealed with this key or was changed. */
MUST_CHECK bool vault_open_sealed(const struct vault *vault, struct str sealed, struct arena *arena, struct str *ret,
                                  struct error *reterr);
