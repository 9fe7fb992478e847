/*
 * ids: random bytes and UUID version 7 (RFC 9562 section 5.7), handed in like the clock.
 * The system source is safe to share between threads; a seeded one belongs to one thread.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"

struct rng {
    void (*fill)(struct rng *rng, void *to, size_t size);
    uint64_t state[4]; /* only used by rng_seeded's */
};

/* From the operating system, through libsodium; sodium_init must have run. */
struct rng rng_system(void);
/* The same seed gives the same bytes (xoshiro256**, seeded by splitmix64). For tests and the simulator: not secret. */
struct rng rng_seeded(uint64_t seed);
void rng_fill(struct rng *rng, void *to, size_t size);
/* Uniform in [0, BELOW); BELOW > 0. */
uint32_t rng_below(struct rng *rng, uint32_t below);

enum { UUID_TEXT = 37 };

/* Later ids compare greater as text, also within one millisecond and when the clock goes back (section 6.2, method 1).
 */
struct ids {
    const struct clock *clock;
    struct rng *rng;
    _Atomic uint64_t last; /* milliseconds << 12 | counter of the newest id */
};

void ids_init(struct ids *ids, const struct clock *clock, struct rng *rng);
/* 36 lower-case characters and a NUL. Lock-free. */
void ids_uuid(struct ids *ids, char ret_text[UUID_TEXT]);
/* Whether TEXT has the form of a UUID of any version, in lower case. */
bool uuid_is_valid(struct str text);
