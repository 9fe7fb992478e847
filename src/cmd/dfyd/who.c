#include "who.h"

bool who_id(struct db *db, const char *name, struct arena *arena, struct str *ret, struct error *reterr) {
    *ret = STR("");
    if (!name) return true;
    struct workspace *workspace = ARENA_NEW(arena, struct workspace);
    if (!workspace_find(db, str_of(name), arena, workspace, reterr)) return false;
    *ret = str_of(workspace->id);
    return true;
}

struct str who_said(struct str id, struct str name) {
    if (name.n) return name;
    return id.n ? id : STR("everyone");
}

struct str who_name(struct str id, const struct workspace *workspaces, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_is(id, workspaces[i].id)) return workspaces[i].name;
    return who_said(id, STR(""));
}

struct str who_of(struct db *db, struct str id, struct arena *arena) {
    struct workspace workspace;
    struct error ignored;
    return workspace_find(db, id, arena, &workspace, &ignored) ? workspace.name : id;
}
