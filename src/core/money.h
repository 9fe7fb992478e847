/*
 * money: amounts in US cents, as integers. Never a floating number.
 * Helpers refuse overflow instead of wrapping.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

typedef int64_t cents;

/* More than this never passes as a price or total: a mistake, not money. */
#define CENTS_MAX INT64_C(100000000000)

/* *total += a * count; false, and *total untouched, when the result leaves [0, CENTS_MAX]. */
MUST_CHECK bool money_add(cents *total, cents a, int64_t count);
/* Dollars as a JSON number, exact and short: 15, 4.5, 0.1, 4.05. */
void money_json(struct buf *out, cents amount);
/* Dollars as people read them: "15.00". */
void money_text(struct buf *out, cents amount);
/* "15", "4.5" or "4.50" to cents; no sign, at most two decimals, at most CENTS_MAX. */
MUST_CHECK bool money_parse(struct str text, cents *ret);
