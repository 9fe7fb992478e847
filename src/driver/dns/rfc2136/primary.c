#include "driver/dns/rfc2136/primary.h"

#include "base/ids.h"

/* Questions that are under way at once: few enough to fit into the buffers between, so that nobody waits for both. */
enum { AT_ONCE = 16, HEADER = 12 };

bool primary_open(struct primary *primary) {
    char why[CARRY_WHY];
    struct rng rng = rng_system();
    rng_fill(&rng, &primary->next_id, sizeof primary->next_id);
    primary->fd = carry_connect(primary->server, primary->until_ms, why);
    if (primary->fd >= 0) return true;
    answer_set(primary->answer, OUTCOME_UNKNOWN, "the primary at %s: %s", primary->server->text, why);
    return false;
}

void primary_close(struct primary *primary) {
    carry_close(primary->fd);
    primary->fd = -1;
}

void looks_free(struct look *looks, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ldns_pkt_free(looks[i].packet);
        looks[i].packet = NULL;
    }
}

/* ---- reasons ---- */

static bool fail(struct primary *primary, const char *why) {
    answer_set(primary->answer, OUTCOME_UNKNOWN, "the primary at %s: %s", primary->server->text, why);
    return false;
}

static bool fail_verdict(struct primary *primary, enum tsig_verdict verdict, const ldns_pkt *packet) {
    const char *name = primary->key->name, *algorithm = primary->key->algorithm_words;
    switch (verdict) {
    case TSIG_BAD_KEY:
        answer_set(primary->answer, OUTCOME_UNKNOWN,
                   "the primary does not know the key %s (%s), or does not let it do this: give it the same key, and "
                   "allow it to change the zone",
                   name, algorithm);
        return false;
    case TSIG_BAD_SECRET:
        answer_set(primary->answer, OUTCOME_UNKNOWN,
                   "the primary has another secret for the key %s (%s): compare it with rfc2136_key_file", name,
                   algorithm);
        return false;
    case TSIG_BAD_TIME:
        return fail(primary, "its clock and this machine's differ by more than 5 minutes: set them right (NTP)");
    case TSIG_BAD_OTHER:
        return fail(primary, "it does not take the signature");
    default:
        break;
    }
    switch (ldns_pkt_get_rcode(packet)) {
    case LDNS_RCODE_NOERROR:
        return fail(primary, "its answer is not signed with the key, so it may be anybody's");
    case LDNS_RCODE_REFUSED:
    case LDNS_RCODE_NOTAUTH:
        answer_set(primary->answer, OUTCOME_UNKNOWN,
                   "the primary takes nothing with the key %s (%s): is it there, and allowed?", name, algorithm);
        return false;
    default:
        return fail(primary, "its answer is an error, and not signed");
    }
}

/* ---- messages ---- */

static bool send_signed(struct primary *primary, ldns_pkt *packet, struct signed_message *ret) {
    char why[CARRY_WHY];
    ldns_pkt_set_id(packet, primary->next_id++);
    if (!tsig_sign(primary->key, packet, primary->arena, ret))
        return fail(primary, "the message is too long, or cannot be signed");
    return carry_send(primary->fd, ret->bytes, primary->until_ms, why) || fail(primary, why);
}

static bool receive(struct primary *primary, struct str *ret_bytes, ldns_pkt **ret) {
    char why[CARRY_WHY];
    if (!carry_receive(primary->fd, primary->until_ms, primary->arena, ret_bytes, why)) return fail(primary, why);
    if (ret_bytes->n < HEADER || ldns_wire2pkt(ret, (const uint8_t *)ret_bytes->p, ret_bytes->n) != LDNS_STATUS_OK ||
        !ldns_pkt_qr(*ret))
        return fail(primary, "its answer cannot be read");
    return true;
}

static enum tsig_verdict judge(struct primary *primary, const struct signed_message *question, ldns_pkt *packet,
                               struct str bytes) {
    enum tsig_verdict verdict = tsig_judge(primary->key, question, packet, bytes);
    if (verdict != TSIG_GOOD) (void)fail_verdict(primary, verdict, packet);
    return verdict;
}

/* ---- questions ---- */

static bool send_look(struct primary *primary, const struct look *look, struct signed_message *ret) {
    ldns_rdf *owner = ldns_rdf_clone(look->owner);
    ldns_pkt *packet = owner ? ldns_pkt_query_new(owner, look->type, LDNS_RR_CLASS_IN, 0) : NULL;
    if (!packet) {
        ldns_rdf_deep_free(owner);
        return fail(primary, "the question cannot be written");
    }
    bool ok = send_signed(primary, packet, ret);
    ldns_pkt_free(packet);
    return ok;
}

/* Whether PACKET answers that question; one that is not answered may come back without it. */
static bool is_about(const ldns_pkt *packet, const struct look *look) {
    const ldns_rr_list *list = ldns_pkt_question(packet);
    if (!list || ldns_rr_list_rr_count(list) == 0) return ldns_pkt_get_rcode(packet) != LDNS_RCODE_NOERROR;
    const ldns_rr *rr = ldns_rr_list_rr(list, 0);
    return ldns_rr_get_type(rr) == look->type && ldns_dname_compare(ldns_rr_owner(rr), look->owner) == 0;
}

/* Knot signs nothing about zones that it does not serve. Whoever forges this gains nothing: it is said to a person. */
static bool is_plain_refusal(const ldns_pkt *packet) {
    return ldns_pkt_get_rcode(packet) == LDNS_RCODE_REFUSED && !ldns_pkt_tsig(packet);
}

/* One answer, to whichever of the questions it is. */
static bool receive_look(struct primary *primary, const struct signed_message *questions, struct look *looks,
                         size_t n) {
    ldns_pkt *packet = NULL;
    struct str bytes;
    bool ok = receive(primary, &bytes, &packet);
    size_t i = 0;
    while (ok && i < n && (looks[i].packet || questions[i].id != ldns_pkt_id(packet))) i++;
    ok = ok && (i < n || fail(primary, "it answers what was not asked"));
    ok = ok && (is_plain_refusal(packet) || judge(primary, &questions[i], packet, bytes) == TSIG_GOOD);
    ok = ok && (is_about(packet, &looks[i]) || fail(primary, "it answers what was not asked"));
    if (ok)
        looks[i].packet = packet;
    else
        ldns_pkt_free(packet);
    return ok;
}

bool primary_look(struct primary *primary, struct look *looks, size_t n) {
    bool ok = true;
    for (size_t from = 0; ok && from < n; from += AT_ONCE) {
        struct signed_message questions[AT_ONCE] = {{.id = 0}};
        size_t count = n - from < AT_ONCE ? n - from : AT_ONCE;
        for (size_t i = 0; ok && i < count; i++) ok = send_look(primary, &looks[from + i], &questions[i]);
        for (size_t i = 0; ok && i < count; i++) ok = receive_look(primary, questions, looks + from, count);
        for (size_t i = 0; i < count; i++) ldns_rdf_deep_free(questions[i].mac);
    }
    return ok;
}

/* ---- updates ---- */

bool primary_update(struct primary *primary, ldns_pkt *update, ldns_pkt_rcode *ret_rcode) {
    struct signed_message question = {0};
    struct str bytes;
    ldns_pkt *packet = NULL;
    primary->has_sent_update = true;
    bool ok = send_signed(primary, update, &question) && receive(primary, &bytes, &packet);
    ok = ok && (ldns_pkt_id(packet) == question.id || fail(primary, "it answers what was not asked"));
    enum tsig_verdict verdict = ok ? judge(primary, &question, packet, bytes) : TSIG_UNSIGNED;
    if (verdict != TSIG_UNSIGNED) primary->has_sent_update = false;
    ok = verdict == TSIG_GOOD;
    if (ok) *ret_rcode = ldns_pkt_get_rcode(packet);
    ldns_rdf_deep_free(question.mac);
    ldns_pkt_free(packet);
    return ok;
}
