/* history: what happened in a run, one readable line each, so that a failure can be read from top to bottom. */
#pragma once

#include "base/buf.h"
#include "base/clock.h"

struct history {
    struct buf lines;
    const struct clock *clock;
    int64_t start_ms;
    int depth;        /* how deep one thing runs inside another; shown as indentation */
    bool is_printing; /* print each line at once */
};

void history_init(struct history *history, bool is_printing);
void history_finish(struct history *history);
/* Empties it. Times are shown since CLOCK's present, which must outlive the run. */
void history_start(struct history *history, const struct clock *clock);
void history_add(struct history *history, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The last 6 characters of an id: enough to tell ids apart in one run. For "%.*s". */
struct str history_id(struct str id);
