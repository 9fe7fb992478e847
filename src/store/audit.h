/*
 * audit: who changed what, written in the transaction that made the change, so that there is no change without its
 * record and no record without its change.
 */
#pragma once

#include "base/ids.h"
#include "store/db.h"

/* Who asked for a change. Borrowed text; all empty: dfyd itself or the command line. */
struct actor {
    struct str key_id, address, user_agent;
};

enum activity {
    ACTIVITY_ORDER_PLACED,
    ACTIVITY_ACCOUNTS_CANCELLED,
    ACTIVITY_FORWARDING_SET,
    ACTIVITY_FORWARDING_REMOVED,
    ACTIVITY_KEY_CREATED,
    ACTIVITY_KEY_REVOKED,
    ACTIVITY_WORKSPACE_CHANGED,
    ACTIVITY_WEBHOOK_CREATED,
    ACTIVITY_WEBHOOK_CHANGED,
    ACTIVITY_WEBHOOK_REMOVED,
    ACTIVITY_END
};

/* "order_placed"; as stored. */
extern const char *const activity_names[ACTIVITY_END];

struct audit_record {
    struct str id; /* UUIDv7, unique among all records */
    struct str workspace_id;
    enum activity activity;
    struct actor actor;
    int64_t affected;
    struct str detail; /* a JSON object */
    int64_t now_ms;
};

MUST_CHECK bool audit_add(struct db *db, const struct audit_record *record, struct error *reterr);
