/*
 * feed: what happened lately, for many who follow it while it happens: one question for all of them together. Functions
 * take a connection inside one store_read, as they speak of the same moment then.
 */
#pragma once

#include "base/ids.h"
#include "core/money.h"
#include "store/keys.h"

/* An event of the outbox. */
struct feed_event {
    int64_t seq;
    struct str workspace_id, type, payload; /* a JSON object */
    int64_t created_ms;
};

/*
 * What the snapshot knows of the outbox. In PostgreSQL an event with a smaller number may be committed after one with a
 * greater: those up to `newest` are all there once the `running` of a later snapshot has reached this one's `begun`, as
 * what writes an event has changed something before. In SQLite both are 0: they are all there at once.
 */
struct feed_horizon {
    int64_t oldest, newest; /* numbers of events; 0: there is none */
    int64_t running;        /* all transactions below have ended */
    int64_t begun;          /* none from here on had begun */
};

MUST_CHECK bool feed_horizon(struct db *db, struct feed_horizon *ret, struct error *reterr);
/* The workspaces' events with a number above AFTER, by number. Text from ARENA. */
MUST_CHECK bool feed_events(struct db *db, const struct str *workspace_ids, size_t n_workspaces, int64_t after,
                            struct arena *arena, struct feed_event **ret, size_t *ret_n, struct error *reterr);

/* Numbers that are others as soon as an order, or one of its domains, mailboxes, steps and refunds, is in another
 * state. */
struct feed_print {
    char order_id[UUID_TEXT];
    int64_t of[5];
};

/* Of those orders that there are, by id. From ARENA. */
MUST_CHECK bool feed_prints(struct db *db, const struct str *order_ids, size_t n_orders, struct arena *arena,
                            struct feed_print **ret, size_t *ret_n, struct error *reterr);
/* Whether WORKSPACE_ID has the order. */
MUST_CHECK bool feed_has_order(struct db *db, struct str workspace_id, struct str order_id, bool *ret,
                               struct error *reterr);

/* Which of the keys may be used: their ids, in order. */
MUST_CHECK bool feed_valid_keys(struct db *db, const struct str *key_ids, size_t n_keys, struct arena *arena,
                                struct str **ret, size_t *ret_n, struct error *reterr);
/* The sessions of the keys that have not ended at NOW_MS: their hashes of KEY_HASH bytes, in order. */
MUST_CHECK bool feed_open_sessions(struct db *db, const struct str *key_ids, size_t n_keys, int64_t now_ms,
                                   struct arena *arena, struct str **ret, size_t *ret_n, struct error *reterr);
