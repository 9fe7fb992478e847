/* renewal: renewals as rows of a table. */
#pragma once

#include "store/renewals_view.h"
#include "table.h"

extern const char *const renewal_table_titles[];
/* WORKSPACE: its name. */
void renewal_table_add(struct table *table, const struct renewal_row *renewal, struct str workspace,
                       struct arena *arena);
