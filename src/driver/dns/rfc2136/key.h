/*
 * key: a TSIG key, and messages signed and judged with it (RFC 8945), by ldns. What ldns leaves out is done here: it
 * checks neither whose key and algorithm an answer was signed with nor its time, and ends the program for messages
 * close to 64 KiB.
 */
#pragma once

#include <stdbool.h> /* before ldns, which else makes bool a signed char */

#include <ldns/ldns.h>

#include "base/arena.h"

enum { KEY_TEXT_MAX = 512, SIGNED_MAX_BYTES = 60000 };

struct tsig_key {
    char algorithm[16];          /* "hmac-sha256." */
    char name[256];              /* with a final dot */
    char secret[KEY_TEXT_MAX];   /* base64 */
    const char *algorithm_words; /* without the dot, for people */
};

/* Reads ALGORITHM:NAME:BASE64. NULL, or what is wrong with it. */
const char *tsig_key_read(const char *text, struct tsig_key *ret);

struct signed_message {
    struct str bytes;
    ldns_rdf *mac; /* of the question, which goes into the answer's; the caller frees it */
    uint16_t id;
};

/* Signs PACKET, whose id is set, and writes it. False when it is too long. From ARENA. */
MUST_CHECK bool tsig_sign(const struct tsig_key *key, ldns_pkt *packet, struct arena *arena,
                          struct signed_message *ret);

enum tsig_verdict {
    TSIG_GOOD,       /* signed, whatever it says */
    TSIG_UNSIGNED,   /* by nobody, or not well */
    TSIG_BAD_KEY,    /* the server does not know the key */
    TSIG_BAD_SECRET, /* the server has another secret */
    TSIG_BAD_TIME,   /* the clocks differ by more than 5 minutes */
    TSIG_BAD_OTHER,
};

/* PACKET: what ldns read from BYTES. Verdicts of the server about the question come first; they may be unsigned. */
enum tsig_verdict tsig_judge(const struct tsig_key *key, const struct signed_message *question, ldns_pkt *packet,
                             struct str bytes);
