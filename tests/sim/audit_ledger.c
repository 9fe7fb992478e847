/* `dfyd ledger check`, at the end of each history: what proves the books to an operator must agree that they are right.
 */
#include "audit.h"
#include "step/reconcile.h"

static void found(void *arg, struct str subject, struct str problem, const char *todo) {
    struct run *run = arg;
    (void)todo;
    model_break(&run->model, "the ledger's check says of %.*s: %.*s", STR_ARG(subject), STR_ARG(problem));
}

static bool check(struct db *db, void *arg, struct error *reterr) {
    struct ledger_checked checked[LEDGER_CHECKS];
    return ledger_check(db, found, arg, checked, reterr);
}

void audit_ledger(struct run *run) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct reconciled reconciled;
    struct error error = {0};
    if (!store_read(run->store, check, run, &error) ||
        !reconcile_driver(run->store, run->drivers.payment, arena, found, run, &reconciled, &error) ||
        !reconcile_driver(run->store, run->drivers.credit, arena, found, run, &reconciled, &error))
        model_break(&run->model, "the books cannot be checked: %s", error.message);
}
