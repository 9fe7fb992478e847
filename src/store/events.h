/*
 * events: the outbox. What happened is written in the transaction in which it happened; webhooks deliver it afterwards,
 * at least once and in order for each domain.
 */
#pragma once

#include "core/money.h"
#include "store/db.h"

enum event_type {
    EVENT_ORDER_PLACED,
    EVENT_DOMAIN_READY,
    EVENT_DOMAIN_FAILED,
    EVENT_ACCOUNT_READY,
    EVENT_ACCOUNT_CANCELLED,
    EVENT_RENEWAL_SUCCEEDED,
    EVENT_RENEWAL_FAILED,
    EVENT_DOMAIN_SWAPPED,
    EVENT_ACCOUNT_FAILED,
    EVENT_DOMAIN_DRIFTED,
    EVENT_DOMAIN_RESTORED,
    EVENT_END
};

/* The contract's words: "dfy_order_placed", ... */
extern const char *const event_type_names[EVENT_END];

struct event {
    struct str workspace_id;
    enum event_type type;
    struct str domain;        /* empty: of no domain */
    struct str email, reason; /* empty: left out of the payload */
    struct str order_id;      /* the same */
    cents refund;             /* what goes back because of it; 0: left out */
    int64_t swap_until_ms;    /* when the domain can be swapped no longer; 0: left out */
    struct str more;          /* further members of the payload, as JSON without the braces; may be empty */
    int64_t now_ms;
};

/* Appends it; its payload is a JSON object of domain, email, order_id, reason, refund (dollars), swap_until and
 * MORE. */
MUST_CHECK bool event_add(struct db *db, const struct event *event, struct error *reterr);
