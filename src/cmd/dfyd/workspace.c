#include "store/workspaces.h"

#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "store/credit.h"
#include "table.h"
#include "text.h"
#include "told.h"

struct creating {
    struct workspace workspace;
    struct audit_record record;
};

static bool add_change(struct db *db, void *arg, struct error *reterr) {
    const struct creating *c = arg;
    return workspace_add(db, &c->workspace, reterr) && told_of(db, c->record, str_of(c->workspace.id), reterr);
}

bool run_workspace_create(const struct invocation *invocation, struct error *reterr) {
    struct setup *setup = invocation->setup;
    struct creating c = {.record = told_record(invocation, ACTIVITY_WORKSPACE_CREATED)};
    c.workspace = (struct workspace){
        .name = str_of(invocation_value(invocation, "name")),
        .plan_active = str_is(str_of(invocation_value(invocation, "active")), "yes"),
        .created_ms = c.record.now_ms,
    };
    ids_uuid(&setup->ids, c.workspace.id);
    const struct told_member told[] = {{"name", TOLD_TEXT, .text = c.workspace.name},
                                       {"plan_active", TOLD_FLAG, .number = c.workspace.plan_active}};
    c.record.detail = told_detail(told, ARRAY_LEN(told), invocation->arena);
    if (!store_write(setup->store, add_change, &c, reterr)) return false;
    puts(c.workspace.id);
    return true;
}

struct listing {
    struct arena *arena;
    struct workspace *workspaces;
    size_t n;
};

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    return workspace_list(db, l->arena, &l->workspaces, &l->n, reterr);
}

bool run_workspace_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"ID", "NAME", "PLAN", "CREATED", NULL};
    struct listing listing = {.arena = invocation->arena};
    if (!store_read(invocation->setup->store, list_read, &listing, reterr)) return false;
    struct table *table = table_create(invocation->arena, titles);
    for (size_t i = 0; i < listing.n; i++) {
        const struct workspace *workspace = &listing.workspaces[i];
        table_add(table, (const struct str[]){str_of(workspace->id), workspace->name,
                                              workspace->plan_active ? STR("active") : STR("inactive"),
                                              text_time(workspace->created_ms, invocation->arena)});
    }
    table_print(table, stdout);
    return true;
}

struct showing {
    struct str name;
    struct arena *arena;
    struct workspace workspace;
    struct card card;
    struct credit credit;
};

static bool show_read(struct db *db, void *arg, struct error *reterr) {
    struct showing *s = arg;
    return workspace_find(db, s->name, s->arena, &s->workspace, reterr) &&
           card_get(db, str_of(s->workspace.id), s->arena, &s->card, reterr) &&
           credit_get(db, str_of(s->workspace.id), &s->credit, reterr);
}

/* Never below 0: who paid ahead owes nothing. */
static cents owed_of(const struct credit *credit) {
    return credit->owed > 0 ? credit->owed : 0;
}

/* What is shown of it where a card is shown. */
static struct str card_text(const struct card *card, struct arena *arena) {
    if (!card->exists) return STR("none");
    if (str_is(card->driver, "invoice")) return STR("none: on account");
    return arena_printf(arena, "%.*s ending in %.*s, %.*s", STR_ARG(card->brand), STR_ARG(card->last4),
                        STR_ARG(card->name_on_card));
}

bool run_workspace_show(const struct invocation *invocation, struct error *reterr) {
    struct showing s = {.name = str_of(invocation_value(invocation, "workspace")), .arena = invocation->arena};
    if (!store_read(invocation->setup->store, show_read, &s, reterr)) return false;
    const struct str pairs[] = {
        STR("id"),           str_of(s.workspace.id),
        STR("name"),         s.workspace.name,
        STR("plan"),         s.workspace.plan_active ? STR("active") : STR("inactive"),
        STR("created"),      text_time(s.workspace.created_ms, s.arena),
        STR("card"),         card_text(&s.card, s.arena),
        STR("credit limit"), text_amount(s.credit.limit, s.arena),
        STR("owed"),         text_amount(owed_of(&s.credit), s.arena),
    };
    table_print_pairs(pairs, ARRAY_LEN(pairs) / 2, stdout);
    return true;
}

/* One value of the workspace is another. */
static struct audit_record change_record(const struct invocation *invocation, struct told_member told) {
    struct audit_record record = told_record(invocation, ACTIVITY_WORKSPACE_CHANGED);
    record.detail = told_detail(&told, 1, invocation->arena);
    return record;
}

struct plan {
    struct str name;
    bool active;
    struct arena *arena;
    struct audit_record record;
};

static bool plan_change(struct db *db, void *arg, struct error *reterr) {
    const struct plan *p = arg;
    struct workspace workspace;
    return workspace_find(db, p->name, p->arena, &workspace, reterr) &&
           workspace_set_plan(db, str_of(workspace.id), p->active, reterr) &&
           told_of(db, p->record, str_of(workspace.id), reterr);
}

bool run_workspace_plan(const struct invocation *invocation, struct error *reterr) {
    struct plan plan = {
        .name = str_of(invocation_value(invocation, "workspace")),
        .active = str_is(str_of(invocation_value(invocation, "active")), "yes"),
        .arena = invocation->arena,
    };
    plan.record = change_record(invocation, (struct told_member){"plan_active", TOLD_FLAG, .number = plan.active});
    return store_write(invocation->setup->store, plan_change, &plan, reterr);
}

struct crediting {
    struct str name;
    bool sets;
    cents limit;
    struct arena *arena;
    struct credit credit;
    struct audit_record record;
};

static bool credit_run(struct db *db, void *arg, struct error *reterr) {
    struct crediting *c = arg;
    struct workspace workspace;
    if (!workspace_find(db, c->name, c->arena, &workspace, reterr)) return false;
    struct str id = str_of(workspace.id);
    bool ok = !c->sets || (credit_set_limit(db, id, c->limit, reterr) && told_of(db, c->record, id, reterr));
    return ok && credit_get(db, id, &c->credit, reterr);
}

bool run_workspace_credit(const struct invocation *invocation, struct error *reterr) {
    struct crediting c = {.name = str_of(invocation_value(invocation, "workspace")), .arena = invocation->arena};
    const char *limit = invocation_value(invocation, "limit");
    c.sets = limit != NULL;
    if (limit && !money_parse(str_of(limit), &c.limit))
        return error_set(reterr, ERR_INVALID,
                         "--limit must be an amount of dollars, such as 500 or 499.50, not \"%.40s\"", limit);
    c.record = change_record(invocation, (struct told_member){"credit_limit", TOLD_MONEY, .number = c.limit});
    struct store *store = invocation->setup->store;
    if (!(c.sets ? store_write(store, credit_run, &c, reterr) : store_read(store, credit_run, &c, reterr)))
        return false;
    cents left = c.credit.limit > c.credit.owed ? c.credit.limit - c.credit.owed : 0;
    const struct str pairs[] = {
        STR("limit"), text_amount(c.credit.limit, c.arena), STR("owed"), text_amount(owed_of(&c.credit), c.arena),
        STR("left"),  text_amount(left, c.arena),
    };
    table_print_pairs(pairs, ARRAY_LEN(pairs) / 2, stdout);
    return true;
}
