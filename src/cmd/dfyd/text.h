/* text: values as the commands print them; all from ARENA. */
#pragma once

#include "base/arena.h"
#include "core/money.h"

/* "15.00" */
struct str text_amount(cents amount, struct arena *arena);
/* ISO 8601 in UTC. */
struct str text_time(int64_t ms, struct arena *arena);
/* "a, b, c" */
struct str text_join(const char *const *words, size_t n, struct arena *arena);
