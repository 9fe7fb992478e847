/* Customers take another domain in place of one that could not be registered. */
#include <stdio.h>

#include "driver/registrar/registrar.h"
#include "inside.h"
#include "step/swap.h"
#include "store/facts.h"

enum { SPARES = 8 };

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

struct swapping {
    struct run *run;
    int workspace;
    struct str old_name;
    struct swap_plan plan;
    struct check *check;
    struct domain_facts facts;
};

/* A domain that failed; seldom one whose time for that is over. */
static bool find_failed(struct db *db, void *arg, struct error *reterr) {
    struct swapping *s = arg;
    struct stmt *stmt =
        db_stmt(db, "SELECT workspace_id, name FROM domains WHERE state = 'failed' AND ($1 = 1 OR EXISTS"
                    " (SELECT 1 FROM refunds r WHERE r.domain_id = domains.id AND r.state = 'waiting'))"
                    " ORDER BY id DESC");
    uint32_t n = 0, at = draw(s->run, 3);
    stmt_int(stmt, 1, run_happens(s->run, 100));
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        if (n++ > at) continue;
        s->workspace = str_is(stmt_col_text(stmt, 0), workspace_ids[1]);
        s->old_name = arena_str(s->run->arena, stmt_col_text(stmt, 1));
    }
    return step == DB_END;
}

static bool look(struct db *db, void *arg, struct error *reterr) {
    struct swapping *s = arg;
    return swap_look(db, str_of(workspace_ids[s->workspace]), s->old_name, s->run->arena, &s->plan, reterr);
}

static bool gather(struct db *db, void *arg, struct error *reterr) {
    struct swapping *s = arg;
    return facts_gather(db, s->check, str_of(workspace_ids[s->workspace]), s->run->arena, &s->facts, reterr);
}

/* As an order for the new domain is judged. */
static bool judge(struct run *run, struct swapping *s, struct str name, struct error *reterr) {
    struct account *accounts = ARENA_ARRAY(run->arena, s->plan.n_accounts, struct account);
    for (size_t i = 0; i < s->plan.n_accounts; i++) accounts[i] = s->plan.accounts[i].account;
    struct order_item *item = ARENA_NEW(run->arena, struct order_item);
    *item = (struct order_item){.domain = name,
                                .provider = (int64_t)s->plan.provider,
                                .forwarding = s->plan.forwarding,
                                .accounts = accounts,
                                .n_accounts = s->plan.n_accounts};
    struct order *order = ARENA_NEW(run->arena, struct order);
    *order = (struct order){.type = ORDER_DFY, .items = item, .n_items = 1};
    const struct rules rules = {.restricted = run->restricted};
    s->check = check_words(order, &rules, run->arena);
    if (!store_read(run->store, gather, s, reterr)) return false;
    check_facts(s->check, &s->facts, &rules, run->arena);
    struct answer answer = {0};
    bool taken = false;
    if (!s->check->items[0].faults &&
        registrar_check(run->drivers.registrar, &s->check->items[0].name, 1, &taken, &answer) != OUTCOME_DONE)
        return error_set(reterr, ERR_UNAVAILABLE, "%s", answer.reason);
    s->facts.taken = taken;
    check_facts(s->check, &s->facts, &rules, run->arena);
    return !check_error(s->check) || error_set(reterr, ERR_INVALID, "%s", check_fault_name(check_error(s->check)));
}

/* From now on it may be so. */
static void note_asked(struct run *run, const struct swapping *s, struct str name) {
    struct model_swap *swap = &run->model.swaps[run->model.n_swaps++];
    *swap = (struct model_swap){.old_id = arena_str(run->arena, s->plan.old_id),
                                .name = arena_str(run->arena, name),
                                .accounts = ARENA_ARRAY(run->arena, s->plan.n_accounts, struct model_swap_account),
                                .n_accounts = s->plan.n_accounts};
    for (size_t i = 0; i < s->plan.n_accounts; i++)
        swap->accounts[i] = (struct model_swap_account){s->plan.accounts[i].id, s->plan.accounts[i].old_id,
                                                        s->plan.accounts[i].account.prefix};
}

void client_swap(struct run *run) {
    struct swapping s = {.run = run};
    /* Also names that are not ordered otherwise. */
    struct str name = draw(run, 3) ? arena_printf(run->arena, "spare%u.org", (unsigned)draw(run, SPARES))
                                   : run->names[draw(run, (uint32_t)run->n_names)];
    struct error error = {0};
    if (!run->store || run->model.n_swaps == MODEL_SWAPS || !store_read(run->store, find_failed, &s, &error) ||
        s.old_name.n == 0 || str_eq(name, s.old_name)) /* the API refuses the same one */
        return;
    bool ok = store_read(run->store, look, &s, &error);
    if (ok && s.plan.new_name.n) return;
    ok = ok && judge(run, &s, name, &error);
    if (ok && !run_is_dead(run)) {
        struct actor nobody = {STR(""), STR(""), STR("")};
        note_asked(run, &s, s.check->items[0].name);
        ok = swap_domain(&run->world, &s.plan, s.check->items[0].name, nobody, run->arena, &error);
        if (ok && !run_is_dead(run)) {
            run->model.swaps[run->model.n_swaps - 1].is_told = true;
            run->totals->counts.swapped++;
        }
    }
    history_add(run->history, "client %d swaps %.*s for %.*s%s%s", s.workspace, STR_ARG(s.old_name), STR_ARG(name),
                ok ? "" : ": ", error.message);
}
