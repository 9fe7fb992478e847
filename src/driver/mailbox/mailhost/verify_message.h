/*
 * verify_message: the message that a check sends from a mailbox to itself, and what is read of it when it is back.
 * Pure.
 */
#pragma once

#include <time.h>

#include "base/arena.h"

/* The header field that tells such messages from all others; whatever has it may be deleted by a check. */
#define CHECK_FIELD "X-Dfyd-Check"

enum { CHECK_TOKEN_TEXT = 33 }; /* 32 hexadecimal digits and a NUL */

/* Whether EMAIL can stand in a message and in commands as it is: atoms with dots (RFC 5322 section 3.2.3), an @, a host
 * name, all of it ASCII. */
bool check_address_is_plain(struct str email);
/* What follows the @ of such an address. */
struct str check_domain_of(struct str email);

/* The whole message (RFC 5322), with CRLF. EMAIL is plain; NOW_S: seconds since 1970. */
struct str check_message(struct str email, const char *token, int64_t now_s, struct arena *arena);
/* The value of a header field as it came, folded or not, without white space around it; empty when there is none.
 * NAME in any case. */
struct str check_header(struct str message, const char *name);
/* "21-Nov-2026", a date as IMAP takes it (RFC 9051 section 9), in UTC. */
struct str check_imap_date(int64_t now_s, struct arena *arena);

/* How the domain of a signature stands to that of the From field (RFC 7489 section 3.1.1). */
enum alignment {
    ALIGNED_STRICT,  /* the same */
    ALIGNED_RELAXED, /* another one of the same organisation */
    ALIGNED_NOT,
};
enum alignment check_alignment(struct str signer, struct str from, struct arena *arena);
