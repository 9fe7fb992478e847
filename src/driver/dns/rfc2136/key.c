#include "driver/dns/rfc2136/key.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "driver/dns/wire.h"

/* FUDGE: seconds that clocks may differ by (RFC 8945 section 10). */
enum { FUDGE = 300, ERROR_BADSIG = 16, ERROR_BADKEY = 17, ERROR_BADTIME = 18, FIELDS = 7, RDF_LENGTH = 2 };

static const char *const algorithms[] = {"hmac-sha256", "hmac-sha512"};

static const char wrong[] = "the key must read ALGORITHM:NAME:BASE64, such as hmac-sha256:dfyd:c2VjcmV0...=";

/* ---- reading ---- */

static bool read_algorithm(struct str text, struct tsig_key *key) {
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        size_t n = strlen(algorithms[i]);
        if (text.n != n || strncasecmp(text.p, algorithms[i], n) != 0) continue;
        key->algorithm_words = algorithms[i];
        memcpy(key->algorithm, algorithms[i], n);
        memcpy(key->algorithm + n, ".", 2);
        return true;
    }
    return false;
}

static bool read_name(struct str text, struct tsig_key *key) {
    ldns_rdf *name = wire_name(text);
    if (!name) return false;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(2048);
    struct str absolute = wire_name_text(name, true, arena);
    ldns_rdf_deep_free(name);
    if (absolute.n < 2 || absolute.n >= sizeof key->name) return false;
    memcpy(key->name, absolute.p, absolute.n);
    key->name[absolute.n] = '\0';
    return true;
}

static bool read_secret(struct str text, struct tsig_key *key) {
    unsigned char bytes[KEY_TEXT_MAX];
    const char *end;
    size_t n;
    bool ok = text.n > 0 && text.n < sizeof key->secret &&
              !sodium_base642bin(bytes, sizeof bytes, text.p, text.n, NULL, &n, &end, sodium_base64_VARIANT_ORIGINAL) &&
              end == text.p + text.n && n > 0;
    sodium_memzero(bytes, sizeof bytes);
    if (!ok) return false;
    memcpy(key->secret, text.p, text.n);
    key->secret[text.n] = '\0';
    return true;
}

const char *tsig_key_read(const char *text, struct tsig_key *ret) {
    struct str rest, secret, algorithm = str_cut(str_of(text), ':', &rest), name = str_cut(rest, ':', &secret);
    *ret = (struct tsig_key){0};
    if (!text || !text[0])
        return "the TSIG key is missing: say rfc2136_key_file, or DFYD_RFC2136_KEY, as ALGORITHM:NAME:BASE64";
    if (!name.n || !secret.n) return wrong;
    if (!read_algorithm(algorithm, ret)) return "the key's algorithm must be hmac-sha256 or hmac-sha512";
    if (!read_name(name, ret)) return "the key's name must be a DNS name";
    if (!read_secret(secret, ret)) return "the key's secret must be base64, as keymgr and tsig-keygen write it";
    return NULL;
}

/* ---- signing ---- */

bool tsig_sign(const struct tsig_key *key, ldns_pkt *packet, struct arena *arena, struct signed_message *ret) {
    uint8_t *bytes = NULL;
    size_t n;
    /* Its size is looked at before: ldns signs in a buffer of 64 KiB and asserts that all fits. */
    bool ok = ldns_pkt2wire(&bytes, packet, &n) == LDNS_STATUS_OK && n <= SIGNED_MAX_BYTES;
    free(bytes);
    bytes = NULL;
    ok = ok && ldns_pkt_tsig_sign(packet, key->name, key->secret, FUDGE, key->algorithm, NULL) == LDNS_STATUS_OK &&
         ldns_pkt2wire(&bytes, packet, &n) == LDNS_STATUS_OK;
    const ldns_rdf *mac = ok ? ldns_rr_rdf(ldns_pkt_tsig(packet), 3) : NULL;
    if (mac) {
        struct str message = {(const char *)bytes, n};
        *ret = (struct signed_message){arena_str(arena, message), ldns_rdf_clone(mac), ldns_pkt_id(packet)};
    }
    free(bytes);
    return mac && ret->mac;
}

/* ---- judging ---- */

static enum tsig_verdict verdict_of(unsigned error) {
    switch (error) {
    case ERROR_BADSIG:
        return TSIG_BAD_SECRET;
    case ERROR_BADKEY:
        return TSIG_BAD_KEY;
    case ERROR_BADTIME:
        return TSIG_BAD_TIME;
    default:
        return TSIG_BAD_OTHER;
    }
}

static bool is_name(const ldns_rdf *rdf, const char *name) {
    ldns_rdf *other = ldns_dname_new_frm_str(name);
    bool same = other && rdf && ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME && ldns_dname_compare(rdf, other) == 0;
    ldns_rdf_deep_free(other);
    return same;
}

enum tsig_verdict tsig_judge(const struct tsig_key *key, const struct signed_message *question, ldns_pkt *packet,
                             struct str bytes) {
    const ldns_rr *tsig = ldns_pkt_tsig(packet);
    if (!tsig || ldns_rr_rd_count(tsig) != FIELDS || bytes.n > SIGNED_MAX_BYTES) return TSIG_UNSIGNED;
    unsigned error = ldns_rdf2native_int16(ldns_rr_rdf(tsig, 5));
    if (error) return verdict_of(error);
    /* The answer's time is not looked at: its signature covers that of the question, so it is none of before. */
    bool good = is_name(ldns_rr_owner(tsig), key->name) && is_name(ldns_rr_rdf(tsig, 0), key->algorithm) &&
                ldns_rdf_size(ldns_rr_rdf(tsig, 3)) > RDF_LENGTH &&
                ldns_pkt_tsig_verify(packet, (const uint8_t *)bytes.p, bytes.n, key->name, key->secret, question->mac);
    return good ? TSIG_GOOD : TSIG_UNSIGNED;
}
