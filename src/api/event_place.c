#include "api/event_place.h"

#include <sodium.h>
#include <string.h>

/* Nothing else that is sealed begins like this. */
static const char mark[8] = "events";

enum { PLAIN = sizeof mark + 8, TEXT_MAX = 128, BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

struct str event_place_write(const struct world *world, int64_t after, struct arena *arena) {
    char plain[PLAIN];
    memcpy(plain, mark, sizeof mark);
    for (int i = 0; i < 8; i++) plain[sizeof mark + (size_t)i] = (char)((uint64_t)after >> (56 - 8 * i));
    struct str sealed = vault_seal(world->vault, world->rng, (struct str){plain, sizeof plain}, arena);
    size_t size = sodium_base64_encoded_len(sealed.n, BASE64);
    char *text = arena_alloc(arena, size);
    sodium_bin2base64(text, size, (const unsigned char *)sealed.p, sealed.n, BASE64);
    return str_of(text);
}

bool event_place_read(const struct world *world, struct str text, struct arena *arena, int64_t *ret_after) {
    unsigned char bytes[TEXT_MAX];
    size_t n;
    struct str plain;
    struct error error;
    if (text.n > TEXT_MAX || sodium_base642bin(bytes, sizeof bytes, text.p, text.n, NULL, &n, NULL, BASE64) != 0)
        return false;
    if (!vault_open_sealed(world->vault, (struct str){(const char *)bytes, n}, arena, &plain, &error)) return false;
    if (plain.n != PLAIN || memcmp(plain.p, mark, sizeof mark) != 0) return false;
    uint64_t after = 0;
    for (size_t i = sizeof mark; i < PLAIN; i++) after = after << 8 | (unsigned char)plain.p[i];
    *ret_after = (int64_t)after;
    return true;
}
