/* scopes: what a key may do, as "resource:action" texts. A holder of "all" for either part has every one of that part.
 */
#pragma once

#include "base/str.h"

/* Every scope of the reference, ended by NULL; also those of resources that dfyd does not serve. */
extern const char *const scope_words[];

bool scope_is_known(struct str scope);
/* Whether SCOPES, separated by one space, allow RESOURCE:ACTION, either of which may be "all". */
bool scopes_allow(struct str scopes, struct str resource, struct str action);
