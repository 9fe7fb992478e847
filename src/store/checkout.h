/*
 * checkout: orders whose customer pays on a page of the payment provider's. Such an order is reserved with the time
 * until which it can be paid, keeps the page's name once that is open, and is settled or released like any other.
 */
#pragma once

#include "base/ids.h"
#include "core/money.h"
#include "core/state.h"
#include "store/db.h"

struct checkout_opened {
    struct str order_id;
    struct str url, reference; /* the page's, and the provider's name for it */
    struct str answer;         /* for retries with the order's idempotency key, which is done with that */
    int64_t look_ms;           /* when to look whether it was paid, if nobody says so before */
    int64_t now_ms;
};

/* The page is open. ERR_CONFLICT: the order is not reserved any more. */
MUST_CHECK bool checkout_opened(struct db *db, const struct checkout_opened *opened, struct error *reterr);

struct checkout {
    enum order_state state;
    struct str id, workspace_id;
    struct str payment_driver, url, reference; /* empty url and reference: not open yet */
    cents amount;
    int64_t created_ms, expires_ms;
    bool is_paid_late;         /* after it was given up; it goes back whole */
    int64_t domains, accounts; /* that it buys; 0 once it was released */
};

/* ERR_NOT_FOUND: no order, or one that is charged. Text from ARENA. */
MUST_CHECK bool checkout_get(struct db *db, struct str order_id, struct arena *arena, struct checkout *ret,
                             struct error *reterr);
/* Look at AGAIN_MS whether it was paid. Nothing happens when the order has ended. */
MUST_CHECK bool checkout_look_at(struct db *db, struct str order_id, int64_t again_ms, struct error *reterr);
/* Look at all open pages now: at start, when a notice may have been missed. */
MUST_CHECK bool checkout_look_at_all(struct db *db, int64_t now_ms, struct error *reterr);

/* What the customer paid with. */
struct checkout_card {
    struct str token, brand, last4, name; /* an empty token: it cannot be charged again */
    bool is_default; /* keep it for renewals even when the workspace has a payment method, for that cannot be charged */
};

enum checkout_end {
    CHECKOUT_PLACED,   /* settled, now or before */
    CHECKOUT_REFUNDED, /* the order had been released: the money goes back, decided now or before */
};

/*
 * It was paid: settles the order, once, and keeps the card for renewals. REFERENCE: the provider's name for the charge.
 */
MUST_CHECK bool checkout_paid(struct db *db, struct ids *ids, struct str order_id, struct str reference,
                              const struct checkout_card *card, int64_t now_ms, enum checkout_end *ret,
                              struct error *reterr);
