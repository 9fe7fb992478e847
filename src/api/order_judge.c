/* Judging in the order of what it costs: words, facts of the store, and the registrar only for what is still good. */
#include "api/order_judge.h"

#include "base/log.h"
#include "driver/registrar/registrar.h"
#include "step/world.h"
#include "store/facts.h"

struct gathering {
    const struct call *call;
    const struct check *check;
    struct domain_facts *facts;
};

static bool gather(struct db *db, void *arg, struct error *reterr) {
    const struct gathering *g = arg;
    return facts_gather(db, g->check, str_of(g->call->identity->workspace.id), g->call->arena, g->facts, reterr);
}

static bool needs_any_facts(const struct check *check) {
    for (size_t i = 0; i < check->n_items; i++)
        if (check_needs_facts(check, i)) return true;
    return false;
}

/* Asks the registrar about all good names at once and tells FACTS which are taken; *ret_asked: whether any was good. */
static bool ask_registrar(const struct call *call, const struct check *check, struct domain_facts *facts,
                          bool *ret_asked, struct error *reterr) {
    struct str *names = ARENA_ARRAY(call->arena, check->n_items, struct str);
    size_t *item_of = ARENA_ARRAY(call->arena, check->n_items, size_t);
    size_t n = 0;
    for (size_t i = 0; i < check->n_items; i++) {
        if (check->items[i].faults) continue;
        item_of[n] = i;
        names[n++] = check->items[i].name;
    }
    *ret_asked = n > 0;
    if (n == 0) return true;

    bool *taken = ARENA_ARRAY(call->arena, n, bool);
    struct answer answer = {0};
    if (registrar_check(call->config->world->drivers->registrar, names, n, taken, &answer) != OUTCOME_DONE) {
        log_event(LOG_WARN, "registrar_check_unknown", LOG_INT("names", n), LOG_TEXT("reason", answer.reason),
                  LOG_TEXT("next", "answered 503"));
        return error_set(
            reterr, ERR_UNAVAILABLE,
            "It could not be checked whether the domains are available. Nothing was placed or charged. Try again.");
    }
    for (size_t i = 0; i < n; i++) facts[item_of[i]].taken = taken[i];
    return true;
}

bool order_judge(const struct call *call, const struct order *order, struct check **ret, bool *ret_is_silent,
                 struct error *reterr) {
    struct rules rules;
    *ret_is_silent = false;
    if (!call_rules(call, &rules, reterr)) return false;
    struct check *check = check_words(order, &rules, call->arena);
    struct domain_facts *facts = ARENA_ARRAY(call->arena, check->n_items, struct domain_facts);
    if (needs_any_facts(check)) {
        struct gathering g = {call, check, facts};
        if (!store_read(call->config->world->store, gather, &g, reterr)) return false;
        check_facts(check, facts, &rules, call->arena);
    }
    if (check->type == ORDER_DFY) {
        bool asked;
        *ret_is_silent = !ask_registrar(call, check, facts, &asked, reterr);
        if (*ret_is_silent) return false;
        if (asked) check_facts(check, facts, &rules, call->arena);
    }
    *ret = check;
    return true;
}
