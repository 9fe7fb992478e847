/*
 * run: one seeded history of dfyd: clients that order and repeat themselves, workers, a clock that jumps, a network and
 * a disk that fail, crashes; checked against the model after every action and once more when nothing is left to do.
 * The same seed gives the same history, byte for byte.
 */
#pragma once

#include "base/error.h"
#include "history.h"
#include "model.h"

struct sim;

enum { POINTS_MAX = 64 };

struct sim_counts {
    int64_t runs, actions, crashes, changes_lost, disk_faults;
    int64_t requests, placed, declined, refused, replayed, overtaken, cancelled, forwarded, steps, stale_steps, told;
    int64_t refunds, renewals, pages, swapped, by_hand, cares, key_moves;
};

/* Added up over runs. */
struct sim_totals {
    struct sim_counts counts;
    struct {
        const char *name;
        int64_t reached, crashed;
    } points[POINTS_MAX]; /* named points of the steps */
};

/* HISTORY must outlive it. */
MUST_CHECK bool sim_create(struct history *history, struct sim **ret, struct error *reterr);
/* NULL is fine. */
void sim_destroy(struct sim *sim);
/* PLANT: enum plant, 0 for none. False when something was broken: BROKEN says what, the history how it came to it. */
bool sim_run(struct sim *sim, uint64_t seed, unsigned plant, struct sim_totals *totals, char broken[BROKEN_TEXT]);
