/*
 * restricted: which names may not be ordered, by keyword or by a domain block list. Built once from text, then
 * read-only and safe to share between threads.
 *
 * An entry is a word or a domain (it has a dot then). Restricted words of six letters or more count anywhere in the
 * first label, hyphens taken out and look-alikes read as what they look like; shorter ones, and those with '=' in
 * front, only alone between hyphens. Of an A-label its Unicode form is judged. An allowed word takes away what counted
 * inside it, but not a restricted word that stands alone between hyphens, unless it is that very word.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct restricted;

/* An operator's entry, as restriction_clean gives it. It counts more than what the lists say of the same entry. */
struct restriction {
    struct str entry;
    struct str workspace_id; /* allowed for this one alone; empty: for everyone */
    bool is_allowed;         /* else restricted, always for everyone */
};

/* One entry a line; '#' starts a comment. */
struct restricted_lists {
    struct str keywords;   /* restricted words */
    struct str domains;    /* restricted domains */
    struct str allowed;    /* words and domains */
    struct str lookalikes; /* lines of a letter and what looks like it, as in data/lookalikes.txt */
    const struct restriction *own;
    size_t n_own;
};

enum { RESTRICTION_MAX_BYTES = 253 };

/* Everything is copied. Never NULL; free with restricted_destroy. */
struct restricted *restricted_create(const struct restricted_lists *lists);
/* The lists that come with the program (data/), and OWN. */
struct restricted *restricted_create_default(const struct restriction *own, size_t n_own);
/* NULL is fine. */
void restricted_destroy(struct restricted *restricted);
/*
 * Whether NAME (A-label form) is restricted for the workspace (empty: for one without entries of its own);
 * *ret_keyword gets the keyword, or the empty text when the block list matched. The keyword lives as long as
 * RESTRICTED.
 */
bool restricted_match(const struct restricted *restricted, struct str workspace_id, struct str name,
                      struct str *ret_keyword);
/*
 * TEXT as an entry, from ARENA: a domain in A-label form, or a word of at least two letters and digits in lower case
 * without hyphens, '=' in front if it was there. ERR_INVALID says what would do.
 */
MUST_CHECK bool restriction_clean(struct str text, struct arena *arena, struct str *ret, struct error *reterr);
