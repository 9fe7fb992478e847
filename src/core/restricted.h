/*
 * restricted: which names may not be ordered, by keyword or by a domain block list. Built once from text, then
 * read-only and safe to share between threads.
 */
#pragma once

#include "base/str.h"

struct restricted;

/*
 * KEYWORDS and DOMAINS: one entry a line, lower case, '#' starts a comment. A keyword of six letters or more matches
 * anywhere in the first label with its hyphens taken out; a shorter one only as a whole word between hyphens.
 * The texts are copied. Never NULL; free with restricted_destroy.
 */
struct restricted *restricted_create(struct str keywords, struct str domains);
/* NULL is fine. */
void restricted_destroy(struct restricted *restricted);
/* The lists that come with the program (data/). */
struct restricted *restricted_create_default(void);
/*
 * Whether NAME (A-label form) is restricted; *ret_keyword gets the keyword, or the empty text when the block list
 * matched. The keyword lives as long as RESTRICTED.
 */
bool restricted_match(const struct restricted *restricted, struct str name, struct str *ret_keyword);
