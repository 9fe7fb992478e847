/*
 * minutes: how much work there was and how the drivers fared, minute by minute, for whoever runs the business. Kept for
 * MINUTES_KEPT_MS. A minute is named by its start.
 */
#pragma once

#include "base/arena.h"
#include "store/db.h"

enum { MINUTE_MS = 60 * 1000 };
#define MINUTES_KEPT_MS (INT64_C(8) * 24 * 60 * MINUTE_MS)

struct queue_minute {
    int64_t minute_ms;
    int64_t due, running, retrying; /* steps */
    int64_t late_ms;                /* how long the oldest of those that should run has waited */
};

/* How the queue is at NOW_MS; minute_ms is NOW_MS. */
MUST_CHECK bool queue_look(struct db *db, int64_t now_ms, struct queue_minute *ret, struct error *reterr);
/* Whether a row of that minute is there: another node was first. */
MUST_CHECK bool queue_minute_is_kept(struct db *db, int64_t minute_ms, bool *ret, struct error *reterr);
/* Keeps it, unless there is one of its minute. */
MUST_CHECK bool queue_minute_keep(struct db *db, const struct queue_minute *minute, struct error *reterr);
/* From FROM_MS on, the highest numbers of each STEP_MS, oldest first; text from ARENA. */
MUST_CHECK bool queue_minutes(struct db *db, int64_t from_ms, int64_t step_ms, struct arena *arena,
                              struct queue_minute **ret, size_t *ret_n, struct error *reterr);

struct driver_count {
    int64_t done, refused, unknown;
    int64_t slowest_ms;
};

struct driver_minute {
    int64_t minute_ms;
    struct str kind; /* "registrar", "dns", "mailbox" or "payment" */
    struct str driver;
    struct driver_count count;
    struct str reason; /* of the last that was refused or unknown; empty: there was none */
};

/* Adds to that minute what this node counted. */
MUST_CHECK bool driver_minute_add(struct db *db, const struct driver_minute *minute, struct error *reterr);

struct driver_health {
    struct str kind, driver;
    struct driver_count hour, day;
    struct str reason; /* of the last that was refused or unknown in that day; empty: there was none */
    int64_t reason_ms; /* its minute */
};

/* What was counted since HOUR_MS, and since DAY_MS, by kind and name; text from ARENA. */
MUST_CHECK bool driver_healths(struct db *db, int64_t hour_ms, int64_t day_ms, struct arena *arena,
                               struct driver_health **ret, size_t *ret_n, struct error *reterr);

/* Forgets what is from before. */
MUST_CHECK bool minutes_expire(struct db *db, int64_t before_ms, struct error *reterr);
