/*
 * deliveries: hands the outbox's events out to webhooks, and keeps what has still to be delivered: each event at least
 * once, those of one domain in order. A webhook is worked on by one at a time, who leases it. Functions take a
 * connection inside store_read or store_write.
 */
#pragma once

#include "store/webhooks.h"

struct delivery {
    int64_t seq;
    struct str type, domain, payload; /* a JSON object */
    int64_t created_ms;
    int64_t attempts; /* failed ones so far */
    /* What became of it. */
    enum { DELIVERY_UNTRIED, DELIVERY_DONE, DELIVERY_FAILED } end;
    int64_t again_ms; /* of a failed one: when it is tried next */
};

struct delivery_batch {
    struct webhook webhook;
    struct str sealed_secret;
    int64_t lease;    /* names it */
    int64_t failures; /* deliveries that failed in a row before these */
    struct delivery *deliveries;
    size_t n;
};

struct delivery_claim {
    int64_t now_ms, lease_until_ms;
    size_t max; /* deliveries */
};

/* When there is something to do: events to hand out or a delivery that is due. INT64_MAX: nothing. */
MUST_CHECK bool delivery_next_due(struct db *db, int64_t *ret_ms, struct error *reterr);
/* Hands out up to MAX events; *ret_n says how many were looked at. */
MUST_CHECK bool delivery_hand_out(struct db *db, int64_t now_ms, size_t max, size_t *ret_n, struct error *reterr);
/* Leases the webhook that has waited longest, with the deliveries that are due. ret->webhook.id is empty when none is.
 * Text from ARENA. */
MUST_CHECK bool delivery_claim(struct db *db, const struct delivery_claim *claim, struct arena *arena,
                               struct delivery_batch *ret, struct error *reterr);

struct delivery_record {
    const struct delivery_batch *batch; /* with the ends filled in */
    int64_t failures;                   /* in a row, after these */
    int64_t not_before_ms;              /* left alone until then; 0: not */
    bool switch_off;
    struct str reason; /* why the last one failed; empty: it did not */
    int64_t now_ms;
};

/* Writes what became of a batch and ends its lease. Does nothing, and *ret_stale is true, when the lease was lost or
 * the webhook removed meanwhile. */
MUST_CHECK bool delivery_finish(struct db *db, const struct delivery_record *record, bool *ret_stale,
                                struct error *reterr);
/* Gives up all leases; at start, when no other process can hold one. */
MUST_CHECK bool delivery_free_all(struct db *db, int64_t now_ms, struct error *reterr);
/* Forgets up to MAX events older than BEFORE_MS, delivered or not; *ret_n says how many. */
MUST_CHECK bool delivery_expire(struct db *db, int64_t before_ms, size_t max, size_t *ret_n, struct error *reterr);
