/* What customers ask for about their domains: another try now, their records as they should be, a check. */
#include "inside.h"
#include "step/mend.h"

enum { STEPS_MAX = 400 };

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

struct row {
    struct str key;
    enum step_state state;
    int64_t attempts, due_ms;
};

/* The steps of a workspace's domains of one name. */
struct looking {
    struct str workspace_id, domain;
    struct arena *arena;
    struct row *rows;
    size_t n;
};

static bool look(struct db *db, void *arg, struct error *reterr) {
    struct looking *l = arg;
    struct stmt *stmt = db_stmt(db, "SELECT s.domain_id || s.account_id || s.kind, s.state, s.attempts, s.due_ms"
                                    " FROM steps s JOIN domains d ON d.id = s.domain_id"
                                    " WHERE d.workspace_id = $1 AND d.name = $2 ORDER BY 1");
    stmt_text(stmt, 1, l->workspace_id);
    stmt_text(stmt, 2, l->domain);
    l->rows = ARENA_ARRAY(l->arena, STEPS_MAX, struct row);
    l->n = 0;
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        if (l->n < STEPS_MAX)
            l->rows[l->n++] = (struct row){
                .key = arena_str(l->arena, stmt_col_text(stmt, 0)),
                .state = (enum step_state)state_by_name(stmt_col_text(stmt, 1), step_state_names, STEP_STATE_END),
                .attempts = stmt_col_int(stmt, 2),
                .due_ms = stmt_col_int(stmt, 3),
            };
    return step == DB_END;
}

/* Only what waited for another try comes sooner; nobody lost a lease by it. */
static void check_retry(struct run *run, const struct looking *before, const struct looking *after, int64_t n) {
    int64_t waited = 0;
    for (size_t i = 0; i < before->n && before->n == after->n; i++) {
        const struct row *was = &before->rows[i], *is = &after->rows[i];
        bool may_change = was->state == STEP_RETRYING;
        bool is_right = str_eq(was->key, is->key) && was->state == is->state && was->attempts == is->attempts &&
                        (may_change ? is->due_ms <= clock_now(&run->clock) : is->due_ms == was->due_ms);
        waited += is->due_ms != was->due_ms;
        if (!is_right)
            model_break(&run->model, "another try of %.*s changed a step that is %s", STR_ARG(before->domain),
                        step_state_names[was->state]);
    }
    if (before->n != after->n || waited > n)
        model_break(&run->model, "another try of %.*s changed more than it says", STR_ARG(before->domain));
}

static bool retry(struct run *run, struct str workspace_id, struct str domain, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct looking before = {.workspace_id = workspace_id, .domain = domain, .arena = arena}, after = before;
    const struct actor nobody = {STR(""), STR(""), STR("")};
    int64_t n = 0;
    if (!store_read(run->store, look, &before, reterr)) return false;
    if (!domain_retry(&run->world, workspace_id, domain, nobody, &n, reterr)) return false;
    if (run_is_dead(run)) return true;
    if (!store_read(run->store, look, &after, reterr)) return false;
    check_retry(run, &before, &after, n);
    return true;
}

static bool check(struct run *run, struct str workspace_id, struct str domain, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    const struct actor nobody = {STR(""), STR(""), STR("")};
    struct domain_check seen;
    return domain_check(&run->world, workspace_id, domain, nobody, arena, &seen, reterr);
}

static bool ask(struct run *run, uint32_t kind, struct str workspace_id, size_t at, struct error *reterr) {
    if (kind == 0) return retry(run, workspace_id, run->names[at], reterr);
    if (kind == 1) return check(run, workspace_id, run->names[at], reterr);
    return zones_repair_own(run, workspace_id, at, reterr);
}

void client_mend(struct run *run) {
    static const char *const words[] = {"tries again", "checks", "repairs"};
    int workspace = (int)draw(run, WORKSPACES);
    uint32_t kind = draw(run, (uint32_t)ARRAY_LEN(words));
    if (!run->store) return;
    /* Few names are in use. */
    for (size_t i = 0, from = draw(run, (uint32_t)run->n_names); i < run->n_names && !run_is_dead(run); i++) {
        struct error error = {0};
        size_t at = (from + i) % run->n_names;
        bool ok = ask(run, kind, str_of(workspace_ids[workspace]), at, &error);
        if (!ok && (error.code == ERR_NOT_FOUND || error.code == ERR_CONFLICT)) continue;
        history_add(run->history, "client %d %s %.*s%s%s", workspace, words[kind], STR_ARG(run->names[at]),
                    ok ? "" : ": ", error.message);
        return;
    }
}
