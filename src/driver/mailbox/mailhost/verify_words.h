/*
 * verify_words: what IMAP and submission servers answer, read from their lines as they came (RFC 3501, RFC 5321). Pure;
 * the lines are a stranger's.
 */
#pragma once

#include "base/arena.h"

enum { WORDS_SHOWN_BYTES = 110 };

/* The first UID of an answer to UID SEARCH; 0: there is none, or none that is a number. */
uint32_t words_found(struct str lines);
/* The mailbox's UIDNEXT among the answers to SELECT; 1 when none was said. */
uint32_t words_uid_next(struct str lines);
/* An answer to GETQUOTAROOT (RFC 2087); false: no limit of storage was said. */
struct words_quota {
    int64_t used_kib, limit_kib;
};
bool words_quota(struct str lines, struct words_quota *ret);

/* How a server takes the commands of a request. */
enum words_kind {
    WORDS_NONE,    /* it said nothing of them */
    WORDS_YES,     /* OK, 2xx, 3xx */
    WORDS_NO,      /* for good: NO, BAD, 5xx */
    WORDS_NOT_NOW, /* 4xx, BYE, and NO with a code that speaks of the server (RFC 5530: UNAVAILABLE, INUSE, LIMIT...) */
};
/* Of the lines that IMAP (is_imap) or SMTP answered with; what follows the first word against it says nothing more.
 * *ret_text: that word, without a tag. *ret_n_yes: how many commands were answered with yes before; a greeting of SMTP
 * counts as one. */
enum words_kind words_judge(struct str lines, bool is_imap, struct str *ret_text, size_t *ret_n_yes);
/* Whether a reply of SMTP has that code. */
enum { SMTP_LOGGED_IN = 235 };
bool words_has_code(struct str lines, int code);

/* WORDS for a reason: one line of printable ASCII, cut at WORDS_SHOWN_BYTES; replaced altogether when it holds one of
 * the SECRETS, for servers echo. */
struct str words_shown(struct str words, const struct str *secrets, size_t n_secrets, struct arena *arena);
