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
    ACTIVITY_DOMAIN_SWAPPED,
    ACTIVITY_DOMAIN_RETRIED,
    ACTIVITY_DOMAIN_REPAIRED,
    ACTIVITY_DOMAIN_CHECKED,
    ACTIVITY_KEY_CREATED,
    ACTIVITY_KEY_REVOKED,
    ACTIVITY_WORKSPACE_CHANGED,
    ACTIVITY_WEBHOOK_CREATED,
    ACTIVITY_WEBHOOK_CHANGED,
    ACTIVITY_WEBHOOK_REMOVED,
    ACTIVITY_PASSWORD_SHOWN,
    ACTIVITY_SIGNED_IN, /* to the console */
    ACTIVITY_SIGNED_OUT,
    ACTIVITY_WORKSPACE_CREATED,
    ACTIVITY_CARD_SET, /* or that the workspace pays on account */
    ACTIVITY_CARD_REMOVED,
    ACTIVITY_WEBHOOK_SECRET_ROTATED,
    /* The operator's, kept with the workspace of the key; of the command line with the first workspace. */
    ACTIVITY_PRICE_SET,
    ACTIVITY_PRICE_ENDED,
    ACTIVITY_PROMOTION_ADDED,
    ACTIVITY_PROMOTION_ENDED,
    ACTIVITY_INVENTORY_ADDED,
    ACTIVITY_INVENTORY_REMOVED,
    ACTIVITY_WORK_RETRIED,
    ACTIVITY_REFUND_MADE,
    ACTIVITY_INVOICE_PAID,
    ACTIVITY_RESTRICTION_SET,
    ACTIVITY_RESTRICTION_REMOVED,
    ACTIVITY_DKIM_ROTATED,
    ACTIVITY_RECORDS_PUBLISHED,
    ACTIVITY_END
};

/* "order_placed"; as stored. */
extern const char *const activity_names[ACTIVITY_END];
/* The reference's number of the kind, or of the nearest one. Kept with each record: a new number is for new records. */
extern const int activity_types[ACTIVITY_END];

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

struct audit_row {
    struct str id, activity, key_id, address, user_agent, detail;
    int64_t at_ms, type, affected;
};

struct audit_query {
    struct str workspace_id;
    struct str before;      /* the id of the last row of the page before; empty: from the newest */
    int64_t from_ms, to_ms; /* of at_ms, both included */
    bool has_type;
    int64_t type;
    struct str search; /* somewhere in what is shown as text, ASCII letters in any case; reads every row. Empty: all */
    size_t limit;
};

/* Newest first. A BEFORE that is no record of the workspace gives nothing. Text from ARENA. */
MUST_CHECK bool audit_page(struct db *db, const struct audit_query *query, struct arena *arena, struct audit_row **ret,
                           size_t *ret_n, struct error *reterr);

/* One of any workspace, as the operator sees it. */
struct audit_row_of {
    struct audit_row row;
    struct str workspace_id, workspace; /* whose it is */
    struct str key_name;                /* empty: no key, or one without a name */
};

struct audit_query_of {
    struct str workspace_id; /* empty: of all */
    struct str activity;     /* a word of activity_names; empty: all */
    struct str before, search;
    size_t limit;
};

/* Newest first by id, which is their order but for those of one moment and of clocks that differ. A search reads every
 * row. Text from ARENA. */
MUST_CHECK bool audit_page_of_all(struct db *db, const struct audit_query_of *query, struct arena *arena,
                                  struct audit_row_of **ret, size_t *ret_n, struct error *reterr);
