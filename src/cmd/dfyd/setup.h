/*
 * setup: opens what a command stands on: the folder, the database, the drivers, and on a first run a workspace to
 * begin with. Any number of processes may have the same folder set up; only one may serve it (serve.c).
 */
#pragma once

#include "base/ids.h"
#include "driver/drivers.h"
#include "settings.h"
#include "step/on_account.h"
#include "store/store.h"
#include "store/vault.h"

/* Parts point at one another: it is not moved while open. */
struct setup {
    struct clock clock; /* with what a sandbox's was moved ahead; log lines follow it */
    struct rng rng;
    struct ids ids;
    struct store *store;
    struct drivers drivers;
    bool refuses_notices;         /* the payment driver sends some, and has no secret to know them by */
    struct on_account on_account; /* under the driver `invoice` */
    struct vault vault;
};

enum { SETUP_LONG_MS = 300000 }; /* how long is waited for the database with SETUP_LONG */

enum setup_flags {
    SETUP_OPEN = 0,
    SETUP_CREATE = 1 << 0,  /* on an empty folder: makes the database, and the workspace `default` with an active plan
                               and the sandbox's Visa card; without it that is an error */
    SETUP_DRIVERS = 1 << 1, /* opens the drivers */
    SETUP_SERVE = 1 << 2,   /* opens the store for threads, and the vault */
    SETUP_VAULT = 1 << 3,   /* opens the vault */
    SETUP_LONG = 1 << 4,    /* a look at all of the business, which a shared database may take minutes for */
};

/* Whether the settings name a database that many nodes use, not one in the data folder. */
bool setup_is_shared(const struct settings *settings);
/* On failure nothing stays open. */
MUST_CHECK bool setup_open(struct setup *setup, const struct settings *settings, unsigned flags, struct error *reterr);
/* Closes what is open. */
void setup_close(struct setup *setup);
