/* place_order: POST /api/v2/dfy-email-account-orders. */
#pragma once

#include "api/call.h"
#include "api/schema.h"

/* The body, decoded into struct order. */
extern const struct schema place_order_schema;

/*
 * Judges ORDER by what is true now; the check lives in the call's arena. False: the store failed, or (*ret_is_silent)
 * the registrar did not say what is free, which is logged and in words for the client.
 */
MUST_CHECK bool order_judge(const struct call *call, const struct order *order, struct check **ret, bool *ret_is_silent,
                            struct error *reterr);
