/*
 * worker: the threads that decide when steps run. They call settle.h and provision.h and nothing else.
 */
#pragma once

#include "step/world.h"

struct worker;

/* THREADS: 1 to 64. WORLD must outlive the worker. */
MUST_CHECK bool worker_start(const struct world *world, unsigned threads, struct worker **ret, struct error *reterr);
/* There is something new to do: look now instead of at the next due time. Safe from any thread. */
void worker_wake(struct worker *worker);
/* Finishes the steps under way, starts no other, and frees. NULL is fine. */
void worker_stop(struct worker *worker);
