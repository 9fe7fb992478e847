#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "store/restrictions.h"
#include "store/workspaces.h"
#include "table.h"
#include "text.h"

struct job {
    const char *workspace; /* NULL: for everyone */
    struct arena *arena;
    struct restriction restriction;
    bool remove;
    int64_t now_ms;
};

static bool change(struct db *db, void *arg, struct error *reterr) {
    const struct job *j = arg;
    struct restriction restriction = j->restriction;
    struct workspace *workspace = ARENA_NEW(j->arena, struct workspace);
    if (j->workspace) {
        if (!workspace_find(db, str_of(j->workspace), j->arena, workspace, reterr)) return false;
        restriction.workspace_id = str_of(workspace->id);
    }
    return j->remove ? restrictions_remove(db, restriction.entry, restriction.workspace_id, reterr)
                     : restrictions_set(db, &restriction, j->now_ms, reterr);
}

static bool run(const struct invocation *invocation, struct job *job, struct error *reterr) {
    job->arena = invocation->arena;
    job->now_ms = clock_now(&invocation->setup->clock);
    job->restriction.workspace_id = STR("");
    struct str text = str_of(invocation_value(invocation, "entry"));
    return restriction_clean(text, job->arena, &job->restriction.entry, reterr) &&
           store_write(invocation->setup->store, change, job, reterr);
}

bool run_restrict_add(const struct invocation *invocation, struct error *reterr) {
    struct job job = {0};
    return run(invocation, &job, reterr);
}

bool run_restrict_allow(const struct invocation *invocation, struct error *reterr) {
    struct job job = {.workspace = invocation_value(invocation, "workspace"), .restriction = {.is_allowed = true}};
    return run(invocation, &job, reterr);
}

bool run_restrict_remove(const struct invocation *invocation, struct error *reterr) {
    struct job job = {.workspace = invocation_value(invocation, "workspace"), .remove = true};
    return run(invocation, &job, reterr);
}

struct listing {
    struct arena *arena;
    struct restriction *rows;
    int64_t *created_ms;
    size_t n;
    struct workspace *workspaces;
    size_t n_workspaces;
};

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    return restrictions_list(db, l->arena, &l->rows, &l->created_ms, &l->n, reterr) &&
           workspace_list(db, l->arena, &l->workspaces, &l->n_workspaces, reterr);
}

static struct str name_of(const struct listing *l, struct str workspace_id) {
    for (size_t i = 0; i < l->n_workspaces; i++)
        if (str_is(workspace_id, l->workspaces[i].id)) return l->workspaces[i].name;
    return workspace_id.n ? workspace_id : STR("everyone");
}

bool run_restrict_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"ENTRY", "RULE", "FOR", "SINCE", NULL};
    struct arena *arena = invocation->arena;
    struct listing listing = {.arena = arena};
    if (!store_read(invocation->setup->store, list_read, &listing, reterr)) return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < listing.n; i++) {
        const struct restriction *row = &listing.rows[i];
        table_add(table,
                  (const struct str[]){row->entry, row->is_allowed ? STR("allowed") : STR("restricted"),
                                       name_of(&listing, row->workspace_id), text_time(listing.created_ms[i], arena)});
    }
    table_print(table, stdout);
    return true;
}
