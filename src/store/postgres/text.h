/* text: SQL as PostgreSQL gets it. */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

/*
 * A copy of SQL in which a comment that begins with the letters pg and a space is text; free() it. *ret_parameters gets
 * the highest n of its $n.
 */
char *text_for_postgres(const char *sql, int *ret_parameters);
/* Whether the copy may change rows without saying so in its answer, as a query with a change in a WITH does. */
bool text_hides_change(const char *sql);
