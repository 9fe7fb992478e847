#include "store/vault_proof.h"

#include "store/rows.h"

struct proof {
    struct arena *arena;
    struct str sealed; /* empty: there is none yet */
};

static bool get_proof(struct db *db, void *arg, struct error *reterr) {
    struct proof *proof = arg;
    struct stmt *stmt = db_stmt(db, "SELECT sealed FROM vault_proof WHERE id = 1");
    enum db_step step = stmt_step(stmt, reterr);
    proof->sealed = step == DB_ROW ? row_text(stmt, 0, proof->arena) : STR("");
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* Two processes may come here at once; the first one's proof stays. */
static bool put_proof(struct db *db, void *arg, struct error *reterr) {
    const struct proof *proof = arg;
    struct stmt *stmt = db_stmt(db, "INSERT INTO vault_proof (id, sealed) VALUES (1, $1) ON CONFLICT (id) DO NOTHING");
    stmt_blob(stmt, 1, proof->sealed);
    return stmt_run(stmt, NULL, reterr);
}

bool vault_proof_open(struct store *store, const char *dir, struct rng *rng, struct vault *ret, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct proof proof = {.arena = arena};
    if (!store_read(store, get_proof, &proof, reterr)) return false;
    struct vault vault;
    if (!vault_open(dir, proof.sealed.n == 0, &vault, reterr)) return false;
    bool ok;
    if (proof.sealed.n) {
        struct str plain;
        ok = vault_open_sealed(&vault, proof.sealed, arena, &plain, reterr) ||
             error_set(reterr, ERR_INVALID,
                       "%s/secret.key is not the key of this database: restore the one that belongs to it", dir);
    } else {
        proof.sealed = vault_seal(&vault, rng, STR("dfyd"), arena);
        ok = store_write(store, put_proof, &proof, reterr);
    }
    if (ok) *ret = vault;
    vault_finish(&vault);
    return ok;
}
