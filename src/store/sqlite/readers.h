/*
 * readers: one connection a reading thread, with a snapshot that stays open between calls, so that a read makes no
 * system call for locks. A snapshot is renewed when the generation moved or it is a second old.
 */
#pragma once

#include <pthread.h>

#include "store/sqlite/generation.h"
#include "store/store.h"

struct reader;

struct readers {
    const char *path;
    const struct generation *generation;
    uint64_t serial; /* tells stores apart that are opened one after another at one address */
    pthread_mutex_t mutex;
    struct reader *first;
};

/* PATH and GENERATION must outlive READERS. */
void readers_init(struct readers *readers, const char *path, const struct generation *generation);
/* No read may be running. */
void readers_finish(struct readers *readers);
MUST_CHECK bool readers_read(struct readers *readers, store_fn *read, void *arg, struct error *reterr);
/*
 * Ends every snapshot that is held now. Those in the middle of a read end theirs when it is over; they are waited for
 * up to WAIT_MS (to the clock's tick). Returns whether all have ended.
 */
bool readers_rest(struct readers *readers, int wait_ms);
/* Frees the pages of the readers that are not reading. */
void readers_shrink(struct readers *readers);
