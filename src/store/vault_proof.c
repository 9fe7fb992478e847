#include "store/vault_proof.h"

#include "store/rows.h"

struct proof {
    struct arena *arena;
    struct str sealed; /* empty: there is none yet */
    struct str made;   /* the one to put then */
};

static bool get_proof(struct db *db, void *arg, struct error *reterr) {
    struct proof *proof = arg;
    struct stmt *stmt = db_stmt(db, "SELECT sealed FROM vault_proof WHERE id = 1");
    enum db_step step = stmt_step(stmt, reterr);
    proof->sealed = step == DB_ROW ? row_text(stmt, 0, proof->arena) : STR("");
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* Two processes may come here at once, in one folder or each in its own: the first one's proof stays, and both get it.
 */
static bool put_proof(struct db *db, void *arg, struct error *reterr) {
    struct proof *proof = arg;
    struct stmt *stmt = db_stmt(db, "INSERT INTO vault_proof (id, sealed) VALUES (1, $1) ON CONFLICT (id) DO NOTHING");
    stmt_blob(stmt, 1, proof->made);
    return stmt_run(stmt, NULL, reterr) && get_proof(db, proof, reterr);
}

bool vault_proof_open(struct store *store, const char *dir, struct rng *rng, struct vault *ret, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct proof proof = {.arena = arena};
    if (!store_read(store, get_proof, &proof, reterr)) return false;
    struct vault vault;
    if (!vault_open(dir, proof.sealed.n == 0, &vault, reterr)) return false;
    bool ok = proof.sealed.n > 0;
    if (!ok) {
        proof.made = vault_seal(&vault, rng, STR("dfyd"), arena);
        ok = store_write(store, put_proof, &proof, reterr);
    }
    struct str plain;
    if (ok && !vault_open_sealed(&vault, proof.sealed, arena, &plain, reterr))
        ok = error_set(reterr, ERR_INVALID,
                       "%s/secret.key is not the key of this database: restore the one that belongs to it, or copy it "
                       "from another node",
                       dir);
    if (ok) *ret = vault;
    vault_finish(&vault);
    return ok;
}
