#include "store/keys.h"

#include <sodium.h>
#include <string.h>

#include "store/rows.h"

static const char prefix[] = "dfyd_";

void key_secret_make(struct rng *rng, char ret_secret[KEY_TEXT]) {
    unsigned char bytes[32];
    rng_fill(rng, bytes, sizeof bytes);
    memcpy(ret_secret, prefix, sizeof prefix);
    sodium_bin2base64(ret_secret + sizeof prefix - 1, KEY_TEXT - (sizeof prefix - 1), bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

void key_hash(struct str secret, unsigned char ret_hash[KEY_HASH]) {
    crypto_generichash(ret_hash, KEY_HASH, (const unsigned char *)secret.p, secret.n, NULL, 0);
}

void key_hint(const char secret[KEY_TEXT], char ret_hint[KEY_HINT]) {
    memcpy(ret_hint, secret, KEY_HINT - 1);
    ret_hint[KEY_HINT - 1] = '\0';
}

bool key_add(struct db *db, const struct api_key *key, const unsigned char hash[KEY_HASH], struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO api_keys (id, workspace_id, hash, name, scopes, is_operator, created_ms, revoked_ms,"
                    " updated_ms, hint) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9)");
    stmt_text(stmt, 1, str_of(key->id));
    stmt_text(stmt, 2, str_of(key->workspace_id));
    stmt_blob(stmt, 3, (struct str){(const char *)hash, KEY_HASH});
    stmt_text(stmt, 4, key->name);
    stmt_text(stmt, 5, key->scopes);
    stmt_int(stmt, 6, key->is_operator);
    stmt_int(stmt, 7, key->created_ms);
    stmt_int(stmt, 8, key->revoked_ms);
    stmt_text(stmt, 9, str_of(key->hint));
    db_touch_identities(db);
    return stmt_run(stmt, NULL, reterr);
}

#define COLUMNS                                                                                                        \
    "SELECT id, workspace_id, name, scopes, is_operator, created_ms, revoked_ms, updated_ms, hint FROM api_keys"

static void read_row(struct stmt *stmt, struct arena *arena, struct api_key *ret) {
    row_uuid(stmt, 0, ret->id);
    row_uuid(stmt, 1, ret->workspace_id);
    ret->name = row_text(stmt, 2, arena);
    ret->scopes = row_text(stmt, 3, arena);
    ret->is_operator = stmt_col_int(stmt, 4) != 0;
    ret->created_ms = stmt_col_int(stmt, 5);
    ret->revoked_ms = stmt_col_int(stmt, 6);
    ret->updated_ms = stmt_col_int(stmt, 7);
    struct str hint = stmt_col_text(stmt, 8);
    memset(ret->hint, 0, sizeof ret->hint);
    if (hint.n && hint.n < sizeof ret->hint) memcpy(ret->hint, hint.p, hint.n);
}

bool key_find(struct db *db, const unsigned char hash[KEY_HASH], struct arena *arena, struct api_key *ret,
              struct error *reterr) {
    struct stmt *stmt = db_stmt(db, COLUMNS " WHERE hash = $1 AND revoked_ms = 0");
    stmt_blob(stmt, 1, (struct str){(const char *)hash, KEY_HASH});
    if (!row_find(stmt, reterr, "there is no such API key")) return false;
    read_row(stmt, arena, ret);
    stmt_done(stmt);
    return true;
}

bool key_list(struct db *db, struct str workspace_id, struct arena *arena, struct api_key **ret, size_t *ret_n,
              struct error *reterr) {
    struct rows rows = {.size = sizeof(struct api_key)};
    struct stmt *stmt = db_stmt(db, COLUMNS " WHERE workspace_id = $1 ORDER BY id DESC");
    stmt_text(stmt, 1, workspace_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool key_page(struct db *db, struct str workspace_id, bool operators, struct str before, size_t limit,
              struct arena *arena, struct api_key **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct api_key)};
    struct stmt *stmt = db_stmt(db, COLUMNS " WHERE workspace_id = $1 AND revoked_ms = 0 AND id < $2"
                                            " AND is_operator <= $3 ORDER BY id DESC LIMIT $4");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, rows_before(before));
    stmt_int(stmt, 3, operators);
    stmt_int(stmt, 4, (int64_t)limit);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool key_get(struct db *db, struct str id, struct arena *arena, struct api_key *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, COLUMNS " WHERE id = $1");
    stmt_text(stmt, 1, id);
    if (!row_find(stmt, reterr, "there is no API key with the id %.*s", STR_ARG(id))) return false;
    read_row(stmt, arena, ret);
    stmt_done(stmt);
    return true;
}

bool key_revoke(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE api_keys SET revoked_ms = $2, updated_ms = $2 WHERE id = $1 AND revoked_ms = 0");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, now_ms > 0 ? now_ms : 1); /* 0 would mean valid */
    db_touch_identities(db);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    return changed || error_set(reterr, ERR_NOT_FOUND, "there is no valid API key with the id %.*s", STR_ARG(id));
}
