#include "store/sessions.h"

#include <sodium.h>

#include "store/rows.h"

void session_token_make(struct rng *rng, char ret_token[SESSION_TEXT]) {
    unsigned char bytes[32];
    rng_fill(rng, bytes, sizeof bytes);
    sodium_bin2base64(ret_token, SESSION_TEXT, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

void session_hash(struct str token, unsigned char ret_hash[SESSION_HASH]) {
    crypto_generichash(ret_hash, SESSION_HASH, (const unsigned char *)token.p, token.n, NULL, 0);
}

static void bind_hash(struct stmt *stmt, const unsigned char hash[SESSION_HASH]) {
    stmt_blob(stmt, 1, (struct str){(const char *)hash, SESSION_HASH});
}

bool session_add(struct db *db, const unsigned char hash[SESSION_HASH], struct str key_id, int64_t now_ms,
                 int64_t expires_ms, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO sessions (hash, key_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4)");
    bind_hash(stmt, hash);
    stmt_text(stmt, 2, key_id);
    stmt_int(stmt, 3, now_ms);
    stmt_int(stmt, 4, expires_ms);
    db_touch_identities(db);
    return stmt_run(stmt, NULL, reterr);
}

static const char missing[] = "there is no such session";

bool session_find(struct db *db, const unsigned char hash[SESSION_HASH], int64_t now_ms, struct arena *arena,
                  struct api_key *ret, int64_t *ret_expires_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT key_id, expires_ms FROM sessions WHERE hash = $1 AND expires_ms > $2");
    bind_hash(stmt, hash);
    stmt_int(stmt, 2, now_ms);
    if (!row_find(stmt, reterr, missing)) return false;
    char key_id[UUID_TEXT];
    row_uuid(stmt, 0, key_id);
    int64_t expires_ms = stmt_col_int(stmt, 1);
    stmt_done(stmt);
    struct api_key key;
    if (!key_get(db, str_of(key_id), arena, &key, reterr)) return false;
    if (key.revoked_ms) return error_set(reterr, ERR_NOT_FOUND, missing);
    *ret = key;
    *ret_expires_ms = expires_ms;
    return true;
}

bool session_end(struct db *db, const unsigned char hash[SESSION_HASH], bool *ret_ended, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "DELETE FROM sessions WHERE hash = $1");
    int64_t ended;
    bind_hash(stmt, hash);
    db_touch_identities(db);
    if (!stmt_run(stmt, &ended, reterr)) return false;
    *ret_ended = ended > 0;
    return true;
}

bool sessions_forget(struct db *db, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "DELETE FROM sessions WHERE expires_ms <= $1");
    stmt_int(stmt, 1, now_ms);
    db_touch_identities(db);
    return stmt_run(stmt, NULL, reterr);
}
