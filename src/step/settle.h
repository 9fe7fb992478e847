/*
 * settle: ends orders whose charge was left open, by a crash, a full disk or a silent payment provider. Asks the
 * payment driver about the order's key and settles or releases; an unknown answer is asked again later.
 */
#pragma once

#include "step/world.h"

/*
 * Takes on up to MAX open orders that are due (every one with AT_START). *ret_n: how many were taken. Only a failing
 * store is an error; a silent payment provider is logged and asked again later.
 */
MUST_CHECK bool settle_due(const struct world *world, bool at_start, size_t max, size_t *ret_n, struct error *reterr);
