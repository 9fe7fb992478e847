/* js_number: numbers as JavaScript reads and writes them (ECMA-262 sections 7.1.4.1 and 6.1.6.1.20). Pure. */
#pragma once

#include "base/arena.h"

/* Number(TEXT): white space around it, "0x10", "1e2" and "Infinity" pass, white space alone is 0. False for NaN. */
MUST_CHECK bool js_number_parse(struct str text, struct arena *arena, double *ret);
/* String(NUMBER), from ARENA. */
struct str js_number_text(double number, struct arena *arena);
