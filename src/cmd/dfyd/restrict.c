#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "store/restrictions.h"
#include "table.h"
#include "text.h"
#include "told.h"
#include "who.h"

struct job {
    const char *workspace; /* NULL: for everyone */
    struct arena *arena;
    struct restriction restriction;
    bool remove;
    struct audit_record record;
};

static bool tell(struct db *db, const struct job *j, const struct restriction *restriction, struct error *reterr) {
    const struct told_member told[] = {
        {"entry", TOLD_TEXT, .text = restriction->entry},
        {"workspace_id", TOLD_TEXT, .text = restriction->workspace_id},
        {"rule", TOLD_TEXT, .text = restriction->is_allowed ? STR("allowed") : STR("restricted")}};
    struct audit_record record = j->record;
    record.detail = told_detail(told, ARRAY_LEN(told) - j->remove, j->arena);
    return told_of_business(db, record, reterr);
}

static bool change(struct db *db, void *arg, struct error *reterr) {
    const struct job *j = arg;
    struct restriction restriction = j->restriction;
    if (!who_id(db, j->workspace, j->arena, &restriction.workspace_id, reterr)) return false;
    bool ok = j->remove ? restrictions_remove(db, restriction.entry, restriction.workspace_id, reterr)
                        : restrictions_set(db, &restriction, j->record.now_ms, reterr);
    return ok && tell(db, j, &restriction, reterr);
}

static bool run(const struct invocation *invocation, struct job *job, struct error *reterr) {
    job->arena = invocation->arena;
    job->record = told_record(invocation, job->remove ? ACTIVITY_RESTRICTION_REMOVED : ACTIVITY_RESTRICTION_SET);
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

bool run_restrict_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"ENTRY", "RULE", "FOR", "SINCE", NULL};
    struct arena *arena = invocation->arena;
    struct listing listing = {.arena = arena};
    if (!store_read(invocation->setup->store, list_read, &listing, reterr)) return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < listing.n; i++) {
        const struct restriction *row = &listing.rows[i];
        table_add(table, (const struct str[]){row->entry, row->is_allowed ? STR("allowed") : STR("restricted"),
                                              who_name(row->workspace_id, listing.workspaces, listing.n_workspaces),
                                              text_time(listing.created_ms[i], arena)});
    }
    table_print(table, stdout);
    return true;
}
