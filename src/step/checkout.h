/*
 * checkout: orders that the customer pays on a page of the payment provider's. Place opens the page (place.h); this
 * finds out what became of it: when the provider sends a notice, when the customer comes back, and by itself at growing
 * distances until the page expires, which closes it. The provider's word alone counts, never a notice's.
 */
#pragma once

#include "step/world.h"
#include "store/checkout.h"
#include "store/orders.h"

/* When a page that was opened at OPENED_MS and expires at EXPIRES_MS is looked at next, if nobody says anything. */
int64_t checkout_next_look(int64_t opened_ms, int64_t expires_ms, int64_t now_ms);
/* Where the customer goes from the page: a path on this server. Text from ARENA. */
struct str checkout_return_path(struct str order_id, struct arena *arena);

/* For settle: looks at the page of an order that was claimed, or closes it when its time is over; records what came of
 * it. */
MUST_CHECK bool checkout_end_due(const struct world *world, const struct unsettled *order, struct error *reterr);

enum checkout_state {
    CHECKOUT_IS_OPEN, /* nothing was paid so far, or the provider does not say */
    CHECKOUT_IS_PLACED,
    CHECKOUT_IS_OVER,       /* ended unpaid */
    CHECKOUT_IS_GIVEN_BACK, /* paid too late */
};

/*
 * What became of an order's page; settled or released before it returns. IS_NOTICE: the provider says that something
 * happened, so a released order is looked at too, and an open one again soon. ERR_NOT_FOUND: no such order, or it is
 * charged otherwise. The order's text is from ARENA.
 */
MUST_CHECK bool checkout_look(const struct world *world, struct str order_id, bool is_notice, struct arena *arena,
                              struct checkout *ret_order, enum checkout_state *ret, struct error *reterr);
