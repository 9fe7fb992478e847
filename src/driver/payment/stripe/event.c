/* Notices: whether they are Stripe's, and which charge they are about. What they say of it is not believed. */
#include <stdio.h>

#include <sodium.h>

#include "base/ids.h"
#include "driver/payment/stripe/inside.h"

enum { TOLERANCE_S = 300, MAC_BYTES = crypto_auth_hmacsha256_BYTES, HEADER_MAX_BYTES = 2048 };

static void sign(struct str secret, struct str stamp, struct str body, unsigned char ret_mac[MAC_BYTES]) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.p, secret.n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)stamp.p, stamp.n);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.p, body.n);
    crypto_auth_hmacsha256_final(&state, ret_mac);
}

static bool is_mac(struct str hex, const unsigned char mac[MAC_BYTES]) {
    unsigned char read[MAC_BYTES];
    size_t n = 0;
    const char *end = NULL;
    if (hex.n != (size_t)2 * MAC_BYTES || sodium_hex2bin(read, sizeof read, hex.p, hex.n, NULL, &n, &end) != 0)
        return false;
    return n == MAC_BYTES && sodium_memcmp(read, mac, MAC_BYTES) == 0;
}

/* The value of the first NAME= among the parts of a header. */
static struct str part_of(struct str header, const char *name) {
    while (header.n) {
        struct str value, found = str_cut(str_trim(str_cut(header, ',', &header)), '=', &value);
        if (str_is(found, name)) return value;
    }
    return STR("");
}

enum outcome stripe_signature_check(struct str header, struct str secret, struct str body, int64_t now_ms,
                                    struct answer *answer) {
    struct str stamp = part_of(header, "t");
    int64_t at_s = 0;
    if (!header.n) return answer_set(answer, OUTCOME_REFUSED, "the Stripe-Signature header is missing");
    if (header.n > HEADER_MAX_BYTES || !str_to_int(stamp, 0, INT64_MAX / 1000, &at_s))
        return answer_set(answer, OUTCOME_REFUSED, "the Stripe-Signature header has no time");
    unsigned char mac[MAC_BYTES];
    bool is_ours = false;
    sign(secret, stamp, body, mac);
    for (struct str rest = header; rest.n;) { /* there are several while the secret is changed */
        struct str value, name = str_cut(str_trim(str_cut(rest, ',', &rest)), '=', &value);
        if (str_is(name, "v1")) is_ours |= is_mac(value, mac);
    }
    if (!is_ours)
        return answer_set(answer, OUTCOME_REFUSED, "the signature is not one by this endpoint's webhook secret");
    int64_t off_s = now_ms / 1000 - at_s;
    if (off_s > TOLERANCE_S || off_s < -TOLERANCE_S)
        return answer_set(answer, OUTCOME_REFUSED,
                          "signed more than five minutes before or after now: sent again, or a clock is wrong");
    return OUTCOME_DONE;
}

/* The key of the charge that OBJECT is about; empty: none of ours. */
static struct str key_of(struct str type, yyjson_val *object) {
    struct str key = stripe_key_of(object);
    bool is_page = str_starts(type, "checkout.session."), is_intent = str_starts(type, "payment_intent.");
    if (!is_page && !is_intent) return STR("");
    if (is_page && !key.n) key = stripe_text(object, "client_reference_id");
    return uuid_is_valid(key) ? key : STR("");
}

static enum outcome read_body(struct str body, struct arena *arena, struct payment_event *ret, struct answer *answer) {
    const struct web_reply whole = {.status = 200, .head = STR("Content-Type: application/json\n"), .body = body};
    struct stripe_reply read;
    stripe_reply_read(WEB_ANSWERED, &whole, arena, &read);
    struct str id = stripe_text(read.object, "id");
    if (read.kind != STRIPE_OBJECT || !str_is(stripe_text(read.object, "object"), "event") ||
        !stripe_is_id(id, "evt_") || id.n >= sizeof ret->id)
        return answer_set(answer, OUTCOME_REFUSED, "this is not an event of Stripe's");
    struct str type = stripe_text(read.object, "type");
    struct str key = key_of(type, stripe_object(stripe_object(read.object, "data"), "object"));
    snprintf(ret->id, sizeof ret->id, "%.*s", STR_ARG(id));
    snprintf(ret->key, sizeof ret->key, "%.*s", STR_ARG(key));
    return OUTCOME_DONE;
}

enum outcome stripe_read_event(struct payment *p, payment_header_fn *header, void *arg, struct str body, int64_t now_ms,
                               struct payment_event *ret, struct answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct str secret = str_of(stripe_of(p)->webhook_secret);
    if (!secret.n)
        return answer_set(answer, OUTCOME_REFUSED,
                          "no webhook secret of Stripe's is set here, so no notice can be believed");
    enum outcome outcome = stripe_signature_check(header(arg, "Stripe-Signature"), secret, body, now_ms, answer);
    return outcome == OUTCOME_DONE ? read_body(body, arena, ret, answer) : outcome;
}
