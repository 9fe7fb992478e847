/* domain_check: what was found wrong with a domain, as commands print it. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* One paragraph each of what core/finding.h wrote; nothing when it is empty. */
void domain_print_findings(struct str findings, struct arena *arena);
