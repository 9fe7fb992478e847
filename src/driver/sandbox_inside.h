/*
 * sandbox_inside: what the four sandbox drivers share of their book. Nobody else includes it.
 */
#pragma once

#include "base/clock.h"
#include "driver/name_set.h"
#include "driver/notebook.h"
#include "driver/sandbox_book.h"
#include "driver/sandbox_magic.h"

struct sandbox_book {
    const struct clock *clock;
    struct notebook *notebook;
    struct name_set *registered; /* every name in the notebook's registrations */
};

/* Both inside a transaction. How often WORD was met with KEY: this time counted, or so far. */
int64_t sandbox_count_try(struct sandbox_book *book, const char *word, struct str key);
int64_t sandbox_tries(struct sandbox_book *book, const char *word, struct str key);

/* For tests of several nodes: writes down that WHAT was asked for under KEY, when and by which process. Inside a
 * transaction. */
#ifdef DFYD_TEST_SWITCHES
void sandbox_note_call(struct sandbox_book *book, const char *what, struct str key);
#else
static inline void sandbox_note_call(struct sandbox_book *book, const char *what, struct str key) {
    (void)book, (void)what, (void)key;
}
#endif

/* When something that was asked for now is done; 0: at once. */
int64_t sandbox_ready_at(const struct sandbox_book *book, enum magic does);
/* DONE when READY_MS has come; until then UNKNOWN with the time that is left. */
enum outcome sandbox_when_ready(const struct sandbox_book *book, int64_t ready_ms, struct answer *answer);

/* SIZE bytes for a driver's struct; ends the process when there is no memory left. Free it with free. */
void *sandbox_driver_alloc(size_t size) __attribute__((malloc, returns_nonnull));
