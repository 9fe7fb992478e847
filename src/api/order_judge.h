/* order_judge: whether what an order asks for can be had now. */
#pragma once

#include "api/call.h"

/*
 * Judges ORDER by what is true now; the check lives in the call's arena. False: the store failed, or (*ret_is_silent)
 * the registrar did not say what is free, which is logged and in words for the client.
 */
MUST_CHECK bool order_judge(const struct call *call, const struct order *order, struct check **ret, bool *ret_is_silent,
                            struct error *reterr);
