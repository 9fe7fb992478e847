/*
 * generation: a number in DIR/generation that every dfyd process on the same directory maps and counts up after each of
 * its commits. Looking at it costs one load from memory. Safe from any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"

struct generation {
    _Atomic uint64_t *at; /* in the mapped file, or own; NULL before opening */
    void *mapped;         /* NULL: none */
    _Atomic uint64_t own;
};

/* DIR NULL: a number of this process alone, without a file. GENERATION stays where it is until it is closed. */
MUST_CHECK bool generation_open(struct generation *generation, const char *dir, struct error *reterr);
void generation_close(struct generation *generation);
uint64_t generation_get(const struct generation *generation);
void generation_bump(struct generation *generation);
