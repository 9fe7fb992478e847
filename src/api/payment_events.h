/* payment_events: what a payment provider says by itself, that something happened to a charge. */
#pragma once

#include "api/call.h"
#include "driver/payment/payment.h"

/*
 * Takes a notice, whatever it came by: reads it with PAYMENT's driver, asks the provider about the charge it names, and
 * settles or releases the order, all durable when it returns. ERR_INVALID: not the provider's, or too old;
 * ERR_UNAVAILABLE: it has to come again.
 */
MUST_CHECK bool payment_event_take(const struct call *call, struct payment *payment, payment_header_fn *header,
                                   void *arg, struct str body, struct error *reterr);
