/*
 * moves: what a database says of having been copied to another one, or from it (`dfyd migrate`): one row, or none. So a
 * business is never served at both places, nor from half a copy.
 */
#pragma once

#include "base/arena.h"
#include "store/db.h"

enum move_state {
    MOVE_NONE,
    MOVE_KEPT,    /* copied from once, without success, or as a trial; it is served */
    MOVE_LEAVING, /* being copied from; not served */
    MOVE_LEFT,    /* copied from, and the copy is served */
    MOVE_COPYING, /* being copied to */
    MOVE_DONE,    /* copied to */
};

struct move {
    enum move_state state;
    struct str source; /* id of the copy: drawn by the one that is copied from */
    struct str place;  /* the other database, without a password */
    int64_t at_ms;
};

/* Text from ARENA. */
MUST_CHECK bool move_get(struct db *db, struct arena *arena, struct move *ret, struct error *reterr);
/* MOVE_NONE takes the row away. */
MUST_CHECK bool move_put(struct db *db, const struct move *move, struct error *reterr);
/* ERR_CONFLICT, saying where the business is, when it may not be served from here. */
MUST_CHECK bool move_check(struct db *db, struct error *reterr);
