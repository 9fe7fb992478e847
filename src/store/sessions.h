/*
 * sessions: who is signed in to the console. A session acts by the API key that it was opened with, for as long as that
 * is valid. Only a hash of its token is stored (BLAKE2b-256; tokens have 256 random bits). Times are the system's, not
 * those of a sandbox's clock: they are about a person at a browser.
 */
#pragma once

#include "store/keys.h"

enum { SESSION_HASH = 32, SESSION_TEXT = 43 + 1 }; /* 32 bytes in base64url, NUL */

/* A new token, from RNG. The browser alone keeps it. */
void session_token_make(struct rng *rng, char ret_token[SESSION_TEXT]);
void session_hash(struct str token, unsigned char ret_hash[SESSION_HASH]);
MUST_CHECK bool session_add(struct db *db, const unsigned char hash[SESSION_HASH], struct str key_id, int64_t now_ms,
                            int64_t expires_ms, struct error *reterr);
/* Its key, and when it ends. ERR_NOT_FOUND for unknown ones, those that ended by NOW_MS, and those whose key was
 * revoked. */
MUST_CHECK bool session_find(struct db *db, const unsigned char hash[SESSION_HASH], int64_t now_ms, struct arena *arena,
                             struct api_key *ret, int64_t *ret_expires_ms, struct error *reterr);
/* *ret_ended: whether there was one. */
MUST_CHECK bool session_end(struct db *db, const unsigned char hash[SESSION_HASH], bool *ret_ended,
                            struct error *reterr);
/* Removes those that ended by NOW_MS. */
MUST_CHECK bool sessions_forget(struct db *db, int64_t now_ms, struct error *reterr);
