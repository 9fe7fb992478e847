/*
 * worker: the threads that decide when steps run. They call settle.h, refund.h, renew.h, provision.h, deliver.h, care.h
 * and travel.h and nothing else. Webhooks have threads of their own, so that a slow receiver holds up no domain; the
 * care for domains in use and the sandbox's clock have one each.
 */
#pragma once

#include "step/world.h"

struct worker;
struct node;

/* THREADS and HOOK_THREADS (for deliveries): 1 to 64 each, or both 0 when others do the work: then it only keeps the
 * sandbox's clock. WORLD and NODE, which may be NULL, must outlive the worker. */
MUST_CHECK bool worker_start(const struct world *world, struct node *node, unsigned threads, unsigned hook_threads,
                             struct worker **ret, struct error *reterr);
/* There is something new to do: look now instead of at the next due time. Safe from any thread. */
void worker_wake(struct worker *worker);
/*
 * Between the two the sandbox's clock stands where it is, but for the seconds that pass: for whoever looks at the time
 * and then makes something durable by it. Any number of threads; NULL is fine.
 */
void worker_hold_clock(struct worker *worker);
void worker_let_clock(struct worker *worker);
/* Finishes the steps under way, starts no other, and frees. NULL is fine. */
void worker_stop(struct worker *worker);
