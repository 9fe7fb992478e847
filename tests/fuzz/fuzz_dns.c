/*
 * fuzz_dns: bytes as the answer to a question to a resolver or a primary, and as the value of a record. Whatever they
 * are: what is read can be asked for and written again, and nothing counts as signed.
 */
#include <stdlib.h>

#include "driver/dns/rfc2136/key.h"
#include "driver/dns/wire.h"
#include "driver/resolver/reply.h"

enum { HEADER = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

/* Written and read again, it is what it was. */
static void must_come_back(const char *type, struct str value, struct arena *arena) {
    ldns_rdf *owner = wire_name(STR("a.test"));
    ldns_rr *rr = wire_record(owner, wire_type(type), 300, value);
    struct str again;
    must(rr && wire_value(rr, arena, &again) && str_eq(again, value));
    ldns_rr_free(rr);
    ldns_rdf_deep_free(owner);
}

static void try_value(const char *type, struct str value, struct arena *arena) {
    ldns_rdf *owner = wire_name(STR("a.test"));
    ldns_rr *rr = wire_record(owner, wire_type(type), 300, value);
    struct str read;
    if (rr) {
        must(wire_value(rr, arena, &read));
        must_come_back(type, read, arena);
    }
    must(rr || !str_is(str_of(type), "TXT"));
    ldns_rr_free(rr);
    ldns_rdf_deep_free(owner);
}

static void try_reply(const struct question *question, struct str message, struct arena *arena) {
    struct reply reply;
    struct question next;
    if (!reply_fits(question, message)) return;
    reply_read(question, message, arena, &reply);
    must((reply.kind == REPLY_BAD) == (reply.reason != NULL));
    must((reply.kind == REPLY_DATA) == (reply.set.n_data > 0));
    must(reply.set.ttl >= 0);
    for (size_t i = 0; i < reply.set.n_data; i++) must_come_back(question->type, reply.set.data[i], arena);
    if (reply.kind == REPLY_ALIAS) must(question_write(reply.alias, question->type, true, 1, arena, &next));
}

static void try_signature(struct str message) {
    struct tsig_key key;
    ldns_rdf *mac = ldns_native2rdf_int16_data(0, NULL);
    const struct signed_message question = {.mac = mac, .id = 1};
    ldns_pkt *packet = NULL;
    must(!tsig_key_read("hmac-sha256:k:c2VjcmV0c2VjcmV0", &key));
    if (ldns_wire2pkt(&packet, (const uint8_t *)message.p, message.n) == LDNS_STATUS_OK)
        must(tsig_judge(&key, &question, packet, message) != TSIG_GOOD);
    ldns_pkt_free(packet);
    ldns_rdf_deep_free(mac);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const types[] = {"A", "AAAA", "MX", "TXT", "CNAME", "SRV", "NS"};
    if (size < 1 + HEADER) return 0;
    struct arena *arena = arena_create(4096);
    const char *type = types[data[0] % ARRAY_LEN(types)];
    struct str body = {(const char *)data + 1, size - 1};
    struct question question;
    must(question_write(STR("a.test"), type, data[0] & 0x80, 7, arena, &question));
    try_reply(&question, body, arena);
    try_value(type, body, arena);
    try_signature(body);
    /* With a head and a question that fit. */
    size_t n = question.bytes.n - (data[0] & 0x80 ? 11 : 0); /* without the EDNS record */
    char *fits = arena_alloc(arena, n + body.n);
    memcpy(fits, question.bytes.p, n);
    memcpy(fits + 2, body.p + 2, 2);
    fits[2] = (char)((fits[2] | 0x80) & 0x87);
    memcpy(fits + 6, body.p + 6, 6);
    memcpy(fits + n, body.p + HEADER, body.n - HEADER);
    try_reply(&question, (struct str){fits, n + body.n - HEADER}, arena);
    arena_destroy(arena);
    return 0;
}
