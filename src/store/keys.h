/*
 * keys: API keys. Only a hash is stored (BLAKE2b-256; the keys have 256 random bits, so no slow hash is needed).
 */
#pragma once

#include "base/ids.h"
#include "store/db.h"

enum { KEY_HASH = 32, KEY_TEXT = 5 + 43 + 1 }; /* "dfyd_", 32 bytes in base64url, NUL */
enum { KEY_HINT = 5 + 4 + 1 };                 /* "dfyd_" and four characters, NUL */

struct api_key {
    char id[UUID_TEXT];
    char workspace_id[UUID_TEXT];
    struct str name;
    struct str scopes; /* separated by one space */
    bool is_operator;  /* may act for another workspace */
    int64_t created_ms;
    int64_t revoked_ms; /* 0: valid */
    int64_t updated_ms;
    char hint[KEY_HINT]; /* how the secret begins, to tell keys apart; "" for keys of old databases */
};

/* A new secret, from RNG. It is shown once and never stored. */
void key_secret_make(struct rng *rng, char ret_secret[KEY_TEXT]);
void key_hash(struct str secret, unsigned char ret_hash[KEY_HASH]);
void key_hint(const char secret[KEY_TEXT], char ret_hint[KEY_HINT]);
/* updated_ms is created_ms then. */
MUST_CHECK bool key_add(struct db *db, const struct api_key *key, const unsigned char hash[KEY_HASH],
                        struct error *reterr);
/* ERR_NOT_FOUND for unknown and revoked ones alike. */
MUST_CHECK bool key_find(struct db *db, const unsigned char hash[KEY_HASH], struct arena *arena, struct api_key *ret,
                         struct error *reterr);
/* Newest first, revoked ones too. */
MUST_CHECK bool key_list(struct db *db, struct str workspace_id, struct arena *arena, struct api_key **ret,
                         size_t *ret_n, struct error *reterr);
/* At most LIMIT valid ones with an id below BEFORE (empty: from the newest); operators' ones only when OPERATORS. */
MUST_CHECK bool key_page(struct db *db, struct str workspace_id, bool operators, struct str before, size_t limit,
                         struct arena *arena, struct api_key **ret, size_t *ret_n, struct error *reterr);
/* By id, revoked or not, of any workspace. ERR_NOT_FOUND. */
MUST_CHECK bool key_get(struct db *db, struct str id, struct arena *arena, struct api_key *ret, struct error *reterr);
/* ERR_NOT_FOUND when there is no valid key with this id. */
MUST_CHECK bool key_revoke(struct db *db, struct str id, int64_t now_ms, struct error *reterr);
