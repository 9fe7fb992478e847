/*
 * work: what does not go on by itself, or not as it should, in all workspaces: steps that are tried again or failed
 * lately, orders whose charge is not known, renewals that are not paid, refunds that are refused, webhooks that were
 * switched off, domains that are not as they should be. And what an operator can do about each.
 */
#pragma once

#include "store/db.h"

enum work_kind { WORK_STEP, WORK_ORDER, WORK_RENEWAL, WORK_REFUND, WORK_WEBHOOK, WORK_DOMAIN, WORK_KIND_END };
extern const char *const work_kind_names[WORK_KIND_END + 1]; /* "step", ...; ended by NULL */

/* Where one stands among those of its kind, for the page after it. */
struct work_place {
    bool is_over; /* of a step: it failed for good; those come last */
    int64_t ms;
    struct str id;
};

struct work_row {
    enum work_kind kind;
    struct str id; /* for work_retry */
    struct work_place place;
    struct str workspace_id, workspace;
    struct str what;   /* for people, as the next two */
    struct str why;    /* may be empty */
    struct str next;   /* what happens next, or what has to be done */
    int64_t since_ms;  /* 0: not known */
    int64_t next_ms;   /* when that happens; 0: no time is set */
    const char *helps; /* what work_retry would do: "Try now"; NULL: it can do nothing */
    int64_t attempts;  /* so far; 0: not counted */
};

struct work_query {
    unsigned kinds; /* bit 1 << work_kind for each that is wanted */
    int64_t now_ms;
    int64_t lately_ms;              /* what failed for good before is no longer told */
    size_t max;                     /* of each kind */
    const struct work_place *after; /* of the last of the page before, where one kind is wanted; NULL: from the first */
};

struct work {
    struct work_row *rows; /* kind by kind, each in the order of its places: what is done next, or was last, first */
    size_t n;
    unsigned more; /* kinds of which there are more than MAX */
};

/* In a number of queries that does not depend on how much there is. Text from ARENA. */
MUST_CHECK bool work_list(struct db *db, const struct work_query *query, struct arena *arena, struct work *ret,
                          struct error *reterr);
/* Does what helps. ERR_NOT_FOUND: there is no such thing. ERR_CONFLICT: nothing of it waits to be tried. Whoever works
 * has to look anew then. *ret_workspace_id: whose it was, from ARENA. A change of the operator's. */
MUST_CHECK bool work_retry(struct db *db, enum work_kind kind, struct str id, int64_t now_ms, struct arena *arena,
                           struct str *ret_workspace_id, struct error *reterr);
