/*
 * primary: one connection to the primary, for one call: signed questions and updates, answers judged. A question is
 * asked of the primary itself, so what comes back is what it serves.
 */
#pragma once

#include "driver/dns/carry.h"
#include "driver/dns/rfc2136/key.h"
#include "driver/outcome.h"

struct primary {
    const struct carry_server *server;
    const struct tsig_key *key;
    struct str zone; /* that it is about, for reasons */
    struct arena *arena;
    struct answer *answer; /* gets the reason when something fails */
    int64_t until_ms;      /* of clock_steady_ms */
    int fd;                /* -1 before primary_open */
    uint16_t next_id;
    bool has_sent_update; /* one that may be done, whatever came back */
};

/* A name and type that is asked for, and the answer; PACKET is NULL until there is one. */
struct look {
    const ldns_rdf *owner;
    ldns_rr_type type;
    ldns_pkt *packet;
};

/* Connects. False, with a reason, when nobody is there. The caller ends each with primary_close. */
MUST_CHECK bool primary_open(struct primary *primary);
void primary_close(struct primary *primary);
/* Asks all, some at a time; NOERROR and any other rcode count as answers, but signed ones only. The packets are the
 * caller's, whatever is returned; looks_free frees them. False with a reason. */
MUST_CHECK bool primary_look(struct primary *primary, struct look *looks, size_t n);
void looks_free(struct look *looks, size_t n);
/* Sends UPDATE, which is without id and signature, and gets the answer's rcode. False with a reason. */
MUST_CHECK bool primary_update(struct primary *primary, ldns_pkt *update, ldns_pkt_rcode *ret_rcode);
