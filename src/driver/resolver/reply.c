#include "driver/resolver/reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "driver/dns/wire.h"

enum { HEADER = 12, TYPE_AND_CLASS = 4, ALIASES_MAX = 16 };

/* ---- questions ---- */

bool question_write(struct str name, const char *type, bool with_edns, uint16_t random, struct arena *arena,
                    struct question *ret) {
    ldns_rr_type asked = wire_type(type);
    ldns_rdf *owner = wire_name(name);
    if (!asked || !owner) {
        ldns_rdf_deep_free(owner);
        return false;
    }
    ldns_pkt *packet = ldns_pkt_query_new(owner, asked, LDNS_RR_CLASS_IN, LDNS_RD);
    if (!packet) {
        ldns_rdf_deep_free(owner);
        return false;
    }
    ldns_pkt_set_id(packet, random);
    if (with_edns) ldns_pkt_set_edns_udp_size(packet, REPLY_UDP_BYTES);
    uint8_t *bytes = NULL;
    size_t n;
    bool ok = ldns_pkt2wire(&bytes, packet, &n) == LDNS_STATUS_OK;
    if (ok) {
        struct str message = {(const char *)bytes, n};
        *ret = (struct question){arena_str(arena, message), arena_str(arena, name), type, random};
    }
    free(bytes);
    ldns_pkt_free(packet);
    return ok;
}

/* ---- what an answer is to ---- */

static const uint8_t *bytes_of(struct str message) {
    return (const uint8_t *)message.p;
}

static unsigned number_at(struct str message, size_t at) {
    const uint8_t *bytes = bytes_of(message) + at;
    return (unsigned)(bytes[0] << 8 | bytes[1]);
}

/* The bytes of the one question, which stands uncompressed behind the header. */
static size_t question_size(struct str message) {
    size_t at = HEADER;
    while (message.p[at]) at += (unsigned char)message.p[at] + 1U;
    return at + 1 + TYPE_AND_CLASS - HEADER;
}

/* In any case: some servers answer in the letters of their zone. */
static bool same_letters(const char *a, const char *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i])) return false;
    return true;
}

bool reply_fits(const struct question *question, struct str message) {
    if (message.n < HEADER || number_at(message, 0) != question->id || !LDNS_QR_WIRE(bytes_of(message))) return false;
    if (LDNS_OPCODE_WIRE(bytes_of(message)) != LDNS_PACKET_QUERY) return false;
    size_t n = question_size(question->bytes);
    /* Servers that could not read a question, or want none of it, may leave it out. */
    int rcode = LDNS_RCODE_WIRE(bytes_of(message));
    if (number_at(message, 4) == 0) return rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN;
    return number_at(message, 4) == 1 && message.n >= HEADER + n &&
           same_letters(message.p + HEADER, question->bytes.p + HEADER, n);
}

/* ---- what it says ---- */

static bool has_edns(const struct question *question) {
    return number_at(question->bytes, 10) > 0;
}

static const char *fault_of(int rcode) {
    switch (rcode) {
    case LDNS_RCODE_SERVFAIL:
        return "it could not find out (SERVFAIL)";
    case LDNS_RCODE_REFUSED:
        return "it does not answer this question (REFUSED)";
    case LDNS_RCODE_FORMERR:
    case LDNS_RCODE_NOTIMPL:
        return "it does not understand the question";
    default:
        return "its answer is an error";
    }
}

/* The target of the alias NAME; NULL when it is none. Borrowed from LIST. */
static ldns_rdf *target_of(const ldns_rr_list *list, const ldns_rdf *name) {
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(list, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
            ldns_rr_rd_count(rr) == 1 && ldns_dname_compare(ldns_rr_owner(rr), name) == 0)
            return ldns_rr_rdf(rr, 0);
    }
    return NULL;
}

static bool has_type(const ldns_rr_list *list, ldns_rr_type type) {
    for (size_t i = 0; list && i < ldns_rr_list_rr_count(list); i++)
        if (ldns_rr_get_type(ldns_rr_list_rr(list, i)) == type) return true;
    return false;
}

static struct reply bad(const char *reason) {
    return (struct reply){.kind = REPLY_BAD, .reason = reason};
}

static struct reply refuse_edns(const struct question *question) {
    if (!has_edns(question)) return bad("its answer is an error");
    return (struct reply){.kind = REPLY_NO_EDNS};
}

static struct reply follow(const struct question *question, const ldns_pkt *packet, const ldns_rdf *owner,
                           struct arena *arena) {
    const ldns_rr_list *answers = ldns_pkt_answer(packet);
    struct reply reply = {.kind = REPLY_DATA};
    const ldns_rdf *name = owner;
    for (int i = 0;; i++) {
        if (!wire_rrset(answers, name, question->name, question->type, arena, &reply.set))
            return bad("its answer has a record that cannot be read");
        if (reply.set.n_data) return reply;
        ldns_rdf *target = target_of(answers, name);
        if (!target) break;
        if (i == ALIASES_MAX) return bad("the name's aliases go round in circles");
        name = target;
    }
    bool is_none = ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN;
    const ldns_rr_list *authority = ldns_pkt_authority(packet);
    /* RFC 2308 section 2.2: no data has an SOA, or neither SOA nor NS; NS alone refers to another server. */
    if (is_none || has_type(authority, LDNS_RR_TYPE_SOA)) return (struct reply){.kind = REPLY_NONE};
    if (name != owner) return (struct reply){.kind = REPLY_ALIAS, .alias = wire_name_text(name, false, arena)};
    if (has_type(authority, LDNS_RR_TYPE_NS) && !ldns_pkt_aa(packet))
        return bad("it refers to other servers and does not ask them (no resolver)");
    return (struct reply){.kind = REPLY_NONE};
}

void reply_read(const struct question *question, struct str message, struct arena *arena, struct reply *ret) {
    int rcode = LDNS_RCODE_WIRE(bytes_of(message));
    if (has_edns(question) && (rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL)) {
        *ret = (struct reply){.kind = REPLY_NO_EDNS};
        return;
    }
    if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) {
        *ret = bad(fault_of(rcode));
        return;
    }
    if (LDNS_TC_WIRE(bytes_of(message))) {
        *ret = (struct reply){.kind = REPLY_CUT};
        return;
    }
    ldns_pkt *packet = NULL;
    ldns_rdf *owner = wire_name(question->name);
    if (!owner || ldns_wire2pkt(&packet, (const uint8_t *)message.p, message.n) != LDNS_STATUS_OK)
        *ret = bad("its answer cannot be read");
    else if (ldns_pkt_edns_extended_rcode(packet)) /* BADVERS, or one that only EDNS has (RFC 6891 section 6.1.3) */
        *ret = refuse_edns(question);
    else
        *ret = follow(question, packet, owner, arena);
    ldns_pkt_free(packet);
    ldns_rdf_deep_free(owner);
}
