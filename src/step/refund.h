/*
 * refund: gives money back. Each refund is asked for under its own id, so that asking again gives back once; without a
 * clear answer it is asked for again later, under the same key.
 */
#pragma once

#include "step/world.h"

/* Works on up to MAX refunds that are due. *ret_n: how many were taken. Only a failing store is an error; what the
 * payment provider says is recorded and logged. */
MUST_CHECK bool refund_due(const struct world *world, size_t max, size_t *ret_n, struct error *reterr);
