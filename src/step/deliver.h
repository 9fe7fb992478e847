/*
 * deliver: tells webhooks what happened. Hands events out, then carries a webhook's deliveries to its receiver, one
 * after another. What a crash leaves unrecorded is sent again under the same event id.
 */
#pragma once

#include "step/world.h"
#include "store/deliveries.h"

/* A secret for a workspace's signatures: text to hand out, and to seal. */
struct str deliver_make_secret(const struct world *world, struct arena *arena);

/*
 * Does one round of what is due. *ret_n: how many events were handed out and deliveries tried. Only a failing store is
 * an error; a receiver that fails is logged and tried again later.
 */
MUST_CHECK bool deliver_due(const struct world *world, size_t *ret_n, struct error *reterr);

struct hook_answer;

/* Sends a made-up event of the webhook's type now, outside the order of its deliveries. */
MUST_CHECK bool deliver_sample(const struct world *world, const struct webhook *webhook, struct str sealed_secret,
                               int64_t timeout_ms, bool *ret_arrived, struct hook_answer *ret, struct error *reterr);
