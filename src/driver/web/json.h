/* json: a body that came over the web as JSON. Pure but for the arena. */
#pragma once

#include <yyjson.h>

#include "base/arena.h"

/* The value that TEXT is, with all its texts in ARENA; NULL: it is no JSON, or more than that. */
yyjson_val *web_json(struct str text, struct arena *arena);
