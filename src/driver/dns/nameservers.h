/* nameservers: the host names that domains are delegated to, as drivers of real DNS hosts are told them. */
#pragma once

#include "base/arena.h"

enum { NAMESERVERS_MAX = 13 };

/* What is wrong with TEXT (may be NULL), host names between commas or spaces, and how to mend it; NULL: nothing. */
const char *nameservers_fault(const char *text);
/* The names in TEXT, which is without a fault, in A-label form, lower case and without a final dot; from ARENA. */
void nameservers_read(const char *text, struct arena *arena, struct str **ret, size_t *ret_n);
