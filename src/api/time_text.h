/* time_text: dates and times as clients write them. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* A date or a time (RFC 3339), as the range of milliseconds that it names: a whole day of UTC, or one. */
MUST_CHECK bool time_text_parse(struct str text, int64_t *ret_from, int64_t *ret_to);
