/*
 * nodes: the dfyd processes that serve or work on this database. Times are the database's own, so that clocks of
 * machines that differ a little do no harm. With a shared database a node says every few seconds that it lives. On
 * SQLite it says so once, at its start: there is one, and it holds DIR/lock.
 */
#pragma once

#include "base/arena.h"
#include "store/db.h"

enum {
    NODE_BEAT_MS = 5000,
    NODE_ALIVE_MS = 15000,         /* one that was silent for longer counts as gone */
    NODE_KEPT_MS = 60 * 60 * 1000, /* and is forgotten */
    NODE_AT_WORK = -1,             /* still_ms of one that may be at work */
};

struct node_row {
    struct str id, name, version, roles;
    int64_t schema; /* that its program was made for */
    int64_t started_ms, seen_ms;
    int64_t silent_ms; /* since it was seen last */
    int64_t still_ms;  /* where the sandbox's clock stands for it (sandbox_clock.h), or NODE_AT_WORK */
};

/* NODE lives: from its id, name, version, roles and started_ms it has a row now, also when it had been forgotten.
 * *ret_alive: how many nodes live, this one too. */
MUST_CHECK bool nodes_beat(struct db *db, const struct node_row *node, int64_t *ret_alive, struct error *reterr);
/* It ends. */
MUST_CHECK bool nodes_leave(struct db *db, struct str id, struct error *reterr);
/* Forgets all others: on SQLite, where there are none. */
MUST_CHECK bool nodes_forget_others(struct db *db, struct str id, struct error *reterr);
/* Forgets those that were silent for NODE_KEPT_MS. */
MUST_CHECK bool nodes_forget_silent(struct db *db, struct error *reterr);
/* All that are known, by name; text from ARENA. */
MUST_CHECK bool nodes_list(struct db *db, struct arena *arena, struct node_row **ret, size_t *ret_n,
                           struct error *reterr);

/* From now on the node works on nothing until the sandbox's clock is more than AHEAD_MS ahead, or until it says
 * NODE_AT_WORK. */
MUST_CHECK bool nodes_be_still(struct db *db, struct str id, int64_t ahead_ms, struct error *reterr);
/* The name of one that lives and is not still at AHEAD_MS, from ARENA; empty: all are. */
MUST_CHECK bool nodes_busy(struct db *db, int64_t ahead_ms, struct arena *arena, struct str *ret, struct error *reterr);
