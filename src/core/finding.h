/*
 * finding: what a check of a domain found wrong, as values and as text to be kept, a line each: KIND, SUBJECT, WANTED,
 * SEEN and MEND between tabs. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum finding_kind {
    FINDING_RECORD,  /* of a record in the DNS */
    FINDING_MAILBOX, /* of a mailbox, whose address is the subject */
    FINDING_UNCLEAR, /* what could not be checked, for a while */
    FINDING_KIND_END
};
extern const char *const finding_kind_names[FINDING_KIND_END]; /* "record", "mailbox", "unclear" */

struct finding {
    enum finding_kind kind;
    struct str subject; /* "TXT dfy1._domainkey.acme.com, at the DNS server" */
    struct str wanted, seen;
    struct str mend; /* what a person can do */
};

/* As text, in that order. Control characters become blanks; empty for none. */
struct str findings_write(const struct finding *findings, size_t n, struct arena *arena);
/* What findings_write wrote; lines that it did not are left out. Borrows from TEXT. */
void findings_read(struct str text, struct arena *arena, struct finding **ret, size_t *ret_n);
/* Those of TEXT that are certain: not of the kind UNCLEAR. From ARENA. */
struct str findings_certain(struct str text, struct arena *arena);
/* FOUND, and after it those of BEFORE about other subjects: for a check that did not get to see everything. From ARENA.
 */
struct str findings_with(struct str found, struct str before, struct arena *arena);
/* One for people: "SUBJECT: wanted WANTED, seen SEEN". */
struct str finding_text(const struct finding *finding, struct arena *arena);
/*
 * Whether two checks found the same. How a mailbox fails, and why something could not be checked, is told in other
 * words each time; that is no change.
 */
bool findings_same(struct str a, struct str b, struct arena *arena);
