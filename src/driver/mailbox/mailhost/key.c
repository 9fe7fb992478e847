/* DKIM keys by libcrypto: RFC 6376 section 3.6.1, RFC 8463 section 4. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <sodium.h>
#include <string.h>

#include "driver/mailbox/mailhost/mailhost_inside.h"

/* 2048: what signers should use at least (RFC 8301 section 3.2); more would not fit a DNS answer over UDP. */
enum { RSA_BITS = 2048, PUBLIC_MAX_BYTES = 1024 };

static struct str base64(const unsigned char *bytes, size_t n, struct arena *arena) {
    const size_t size = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_alloc(arena, size);
    sodium_bin2base64(text, size, bytes, n, sodium_base64_VARIANT_ORIGINAL);
    return str_of(text);
}

/* RSA: the whole SubjectPublicKeyInfo; Ed25519: the 32 bytes of the key alone. */
static struct str record_of(EVP_PKEY *key, enum mailhost_key_kind kind, struct arena *arena) {
    unsigned char bytes[PUBLIC_MAX_BYTES];
    if (kind == MAILHOST_KEY_ED25519) {
        size_t n = sizeof bytes;
        if (EVP_PKEY_get_raw_public_key(key, bytes, &n) != 1) return STR("");
        return arena_printf(arena, "v=DKIM1; k=ed25519; p=%.*s", STR_ARG(base64(bytes, n, arena)));
    }
    int n = i2d_PUBKEY(key, NULL);
    unsigned char *to = bytes;
    if (n <= 0 || (size_t)n > sizeof bytes || i2d_PUBKEY(key, &to) != n) return STR("");
    return arena_printf(arena, "v=DKIM1; k=rsa; p=%.*s", STR_ARG(base64(bytes, (size_t)n, arena)));
}

/* NULL: that did not work. */
static char *pem_of(EVP_PKEY *key, struct arena *arena) {
    BIO *bio = BIO_new(BIO_s_secmem());
    char *pem = NULL, *text;
    if (bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        long n = BIO_get_mem_data(bio, &text);
        if (n > 0) pem = memcpy(arena_alloc(arena, (size_t)n + 1), text, (size_t)n);
    }
    BIO_free(bio);
    return pem;
}

bool mailhost_key_make(enum mailhost_key_kind kind, struct arena *arena, struct mailhost_key *ret,
                       struct answer *answer) {
    EVP_PKEY *key = kind == MAILHOST_KEY_RSA ? EVP_RSA_gen(RSA_BITS) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (key) *ret = (struct mailhost_key){.pem = pem_of(key, arena), .record = record_of(key, kind, arena)};
    bool ok = key && ret->pem && ret->record.n;
    EVP_PKEY_free(key);
    if (ok) return true;
    const char *why = ERR_reason_error_string(ERR_get_error());
    answer_set(answer, OUTCOME_UNKNOWN, "libcrypto cannot make a DKIM key: %s", why ? why : "no reason given");
    ERR_clear_error();
    return false;
}

void mailhost_key_wipe(struct mailhost_key *key) {
    if (key->pem) sodium_memzero(key->pem, strlen(key->pem));
    *key = (struct mailhost_key){0};
}
