/*
 * similar: names that somebody who has a name would also want: with a word before or after it, joined or with a
 * hyphen. Pure; the words are data/similar-before.txt and data/similar-after.txt.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/*
 * What a person who wrote TEXT means: *ret_name is the registrable name in it (www.acme.com: acme.com), and acme.com
 * for the label "acme" alone. False when it is no name. From ARENA.
 */
MUST_CHECK bool similar_name(struct str text, struct arena *arena, struct str *ret_name);
/*
 * Labels like that of NAME (from similar_name), best first, each once, in A-label form: first its own, then with words.
 * Those that would not be valid are left out. From ARENA.
 */
void similar_labels(struct str name, struct arena *arena, struct str **ret, size_t *ret_n);
