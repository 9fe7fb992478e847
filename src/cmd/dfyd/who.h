/* who: the workspace that a command is about, or everyone. */
#pragma once

#include "store/workspaces.h"

/* The id of the workspace NAME, which may be its id too; empty when NAME is NULL: everyone. */
MUST_CHECK bool who_id(struct db *db, const char *name, struct arena *arena, struct str *ret, struct error *reterr);
/* NAME as it was read together with ID; the id itself when there is none of that id any more, "everyone" for an empty
 * id. */
struct str who_said(struct str id, struct str name);
/* The name of the one of N workspaces with that id; "everyone" when it is empty. */
struct str who_name(struct str id, const struct workspace *workspaces, size_t n);
/* The name of the workspace with that id; the id itself when there is none. From ARENA. */
struct str who_of(struct db *db, struct str id, struct arena *arena);
