/*
 * sandbox_magic: the words that make the sandbox misbehave, one row each. docs/sandbox.md has the same rows.
 */
#pragma once

#include "base/str.h"
#include "driver/payment/payment.h"

/* Where a word is looked for. */
enum magic_place {
    MAGIC_REGISTRAR, /* how a domain's first label begins */
    MAGIC_DNS,       /* the same */
    MAGIC_MAILBOX,   /* an address's local part: the word alone, or followed by '.', '-' or '_' */
    MAGIC_PAYMENT,   /* a card's token */
    MAGIC_PLACE_END
};

enum magic {
    MAGIC_NONE,
    MAGIC_TAKEN,     /* check says taken */
    MAGIC_UNSURE,    /* check has no answer */
    MAGIC_SNATCHED,  /* free at check, refused at create */
    MAGIC_REFUSED,   /* refused */
    MAGIC_NO_RENEW,  /* refused when it is renewed */
    MAGIC_NO_WEB,    /* addresses are refused, other records are published */
    MAGIC_FLAKY_WEB, /* as MAGIC_FLAKY, for addresses alone */
    MAGIC_STUCK,     /* as MAGIC_FLAKY, when it is removed */
    MAGIC_SLOW,      /* accepted at once, done after SANDBOX_SLOW_MS */
    MAGIC_FLAKY,     /* no answer SANDBOX_FLAKY_TRIES times without doing anything, then works */
    MAGIC_SILENT,    /* never answers and never does anything */
    MAGIC_LOST,      /* works, but the first answer is lost */
    MAGIC_DROPPED,   /* a charge that is not made and not answered */
    MAGIC_NO_REFUND, /* a charge that is not given back */
    MAGIC_LOST_BACK, /* as MAGIC_LOST, when it is given back */
    MAGIC_ONCE,      /* a workspace's first charge works, later ones are declined */
    MAGIC_NOT_TWICE, /* a workspace's second charge is declined, the others work */
};

enum {
    SANDBOX_SLOW_MS = 3000,
    SANDBOX_FLAKY_TRIES = 2,
    SANDBOX_FLAKY_CHARGES = 1,
    SANDBOX_SILENT_CLOSES = 3, /* how often close has no answer for tok_silent */
};

struct magic_row {
    enum magic_place place;
    enum magic does; /* MAGIC_NONE: a card that works or is declined */
    const char *word;
    const char *what; /* one line for people */
    /* Cards only. */
    const char *brand, *last4;
    enum decline decline;
};

enum { MAGIC_ROWS = 35 };

extern const struct magic_row magic_rows[MAGIC_ROWS];
/* "registrar", "dns", "mailbox", "payment". */
extern const char *const magic_place_names[MAGIC_PLACE_END];

/* The row for a domain name, an address or a token; NULL when it is an ordinary one (or no card at all). */
const struct magic_row *magic_find(enum magic_place place, struct str subject);
/* What a domain name or address does; MAGIC_NONE for ordinary ones. */
enum magic magic_of(enum magic_place place, struct str subject);
