/* text: values as the commands print them; all from ARENA. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "core/money.h"

/* "15.00" */
struct str text_amount(cents amount, struct arena *arena);
/* ISO 8601 in UTC. */
struct str text_time(int64_t ms, struct arena *arena);
/* The same without the milliseconds, for tables. */
struct str text_second(int64_t ms, struct arena *arena);
/* A day ("2026-12-01": its first moment) or a time ("2026-12-01T08:30Z", seconds and milliseconds as wanted), in UTC.
 * ERR_INVALID, naming --FLAG. */
MUST_CHECK bool text_parse_time(const char *flag, const char *text, int64_t *ret_ms, struct error *reterr);
/* "a, b, c" */
struct str text_join(const char *const *words, size_t n, struct arena *arena);
