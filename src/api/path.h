/* path: the paths of routes, and what stands in them. */
#pragma once

#include "base/arena.h"

/*
 * Whether PATH is PATTERN, in which "{}" stands for any one segment that is not empty (RFC 3986 section 3.3), and
 * "{*}", at the end, for one or more. *ret_parameter gets what stands there, as sent; it is untouched when the pattern
 * has neither.
 */
bool path_matches(struct str path, const char *pattern, struct str *ret_parameter);
/* Percent-decoded; an escape that is none stays as it is, and so does a segment that would be no text: it names
 * nothing. */
struct str path_decode(struct str segment, struct arena *arena);
