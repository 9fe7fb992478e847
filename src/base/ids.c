#include "base/ids.h"

#include <sodium.h>
#include <string.h>

static void system_fill(struct rng *rng, void *to, size_t size) {
    (void)rng;
    randombytes_buf(to, size);
}

struct rng rng_system(void) {
    return (struct rng){.fill = system_fill};
}

static uint64_t rotate(uint64_t x, int k) {
    return x << k | x >> (64 - k);
}

static uint64_t next(struct rng *rng) {
    uint64_t *s = rng->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static void seeded_fill(struct rng *rng, void *to, size_t size) {
    for (char *p = to; size;) {
        uint64_t word = next(rng);
        size_t n = size < sizeof word ? size : sizeof word;
        memcpy(p, &word, n);
        p += n;
        size -= n;
    }
}

struct rng rng_seeded(uint64_t seed) {
    struct rng rng = {.fill = seeded_fill};
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        rng.state[i] = z ^ z >> 31;
    }
    return rng;
}

void rng_fill(struct rng *rng, void *to, size_t size) {
    rng->fill(rng, to, size);
}

uint32_t rng_below(struct rng *rng, uint32_t below) {
    /* Rejects the few values that would make the remainder uneven. */
    uint32_t limit = UINT32_MAX - UINT32_MAX % below, value;
    do rng_fill(rng, &value, sizeof value);
    while (value >= limit);
    return value % below;
}

void ids_init(struct ids *ids, const struct clock *clock, struct rng *rng) {
    ids->clock = clock;
    ids->rng = rng;
    atomic_init(&ids->last, 0);
}

void ids_uuid(struct ids *ids, char ret_text[UUID_TEXT]) {
    unsigned char id[16];
    uint64_t now = (uint64_t)clock_now(ids->clock) << 12;
    uint64_t last = atomic_load_explicit(&ids->last, memory_order_relaxed), stamp;
    do stamp = now > last ? now : last + 1;
    while (
        !atomic_compare_exchange_weak_explicit(&ids->last, &last, stamp, memory_order_relaxed, memory_order_relaxed));

    rng_fill(ids->rng, id + 8, 8);
    uint64_t ms = stamp >> 12;
    for (int i = 5; i >= 0; i--, ms >>= 8) id[i] = (unsigned char)ms;
    id[6] = (unsigned char)(0x70 | (stamp >> 8 & 0x0f));
    id[7] = (unsigned char)stamp;
    id[8] = (unsigned char)(0x80 | (id[8] & 0x3f));

    static const char hex[] = "0123456789abcdef";
    char *to = ret_text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
        *to++ = hex[id[i] >> 4];
        *to++ = hex[id[i] & 15];
    }
    *to = '\0';
}

bool uuid_is_valid(struct str text) {
    if (text.n != UUID_TEXT - 1) return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return true;
}
