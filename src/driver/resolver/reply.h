/*
 * reply: the question to a resolver and its answer as bytes (RFC 1035 section 4.1, EDNS RFC 6891). Pure.
 */
#pragma once

#include "base/arena.h"
#include "core/records.h"

/* What datagrams may hold without being cut into pieces on the way. */
enum { REPLY_UDP_BYTES = 1232 };

struct question {
    struct str bytes;
    struct str name; /* as asked for, no final dot */
    const char *type;
    uint16_t id;
};

enum reply_kind {
    REPLY_DATA,    /* the RRset, which may be that of an alias's target */
    REPLY_NONE,    /* there is none */
    REPLY_ALIAS,   /* the name is an alias of one that has to be asked for */
    REPLY_CUT,     /* to be asked again over TCP */
    REPLY_NO_EDNS, /* to be asked again without EDNS */
    REPLY_BAD,     /* no answer at all, reason says why */
};

struct reply {
    enum reply_kind kind;
    struct rrset set;   /* of the name that was asked for, with REPLY_DATA */
    struct str alias;   /* with REPLY_ALIAS */
    const char *reason; /* with REPLY_BAD */
};

/* False when NAME is no DNS name, or TYPE none of struct rrset. RANDOM: the question's number. From ARENA. */
MUST_CHECK bool question_write(struct str name, const char *type, bool with_edns, uint16_t random, struct arena *arena,
                               struct question *ret);
/* Whether MESSAGE is an answer to the question at all, good or bad: its number, and its question where it has one. */
bool reply_fits(const struct question *question, struct str message);
/* Reads a message that fits. */
void reply_read(const struct question *question, struct str message, struct arena *arena, struct reply *ret);
