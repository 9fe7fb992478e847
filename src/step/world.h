/*
 * world: everything a step may touch, handed in. A step is a function that takes the world and runs to its next
 * durable point; threads, sockets and timers only decide when. The simulator hands in another world.
 */
#pragma once

#include "base/ids.h"
#include "core/backoff.h"
#include "core/records.h"
#include "driver/drivers.h"
#include "store/store.h"
#include "store/vault.h"

struct world {
    const struct clock *clock;
    struct clock *sandbox_clock; /* the same; NULL: it may not be moved */
    struct rng *rng;
    struct ids *ids;
    struct store *store;
    struct drivers *drivers;
    const struct vault *vault;
    int64_t checkout_ms;             /* how long a page to pay on is open; 0: who has no card cannot order */
    struct edge_address edge;        /* of the forwarding edge */
    bool forwarding_private_targets; /* domains may be forwarded into this network: for tests */
    int64_t retry_base_ms, retry_max_ms;
    int64_t lease_ms; /* longer than all driver calls of one step may take */
    int64_t swap_ms;  /* how long a domain that cannot be registered may be swapped before its refund goes out */
    /* Of a domain in use: how often it is checked; how old a DKIM key gets (0: any age), and how long the one before it
     * stays published for mail that is in flight. */
    int64_t check_ms, dkim_ms, dkim_overlap_ms;
    /* Of webhook deliveries: the first wait between two tries, the tries until the webhook is switched off, and whether
     * receivers may have addresses that are not public. */
    int64_t hook_retry_ms, hook_tries;
    bool hook_private_targets;
    /* Called at each named point of placing, settling and provisioning; NULL outside tests. */
    void (*reached)(void *arg, const char *point);
    void *reached_arg;
    unsigned plant; /* enum plant: bugs the simulator must find; 0 outside tests */
};

/* Deliberate bugs, compiled in only with -Dtest_switches=true, to prove that the simulator finds them. */
enum plant {
    PLANT_FORGET_PAID = 1 << 0,  /* settling releases an order without asking the payment driver */
    PLANT_CHARGE_AGAIN = 1 << 1, /* an unknown charge is tried again under another key */
    PLANT_NO_LOOK = 1 << 2,      /* a step acts again without looking first, under a new key */
    PLANT_CHARGE_FIRST = 1 << 3, /* the card is charged before the reservation is durable */
    PLANT_TELL_ONCE = 1 << 4,    /* a delivery whose answer is not known is not tried again */
    PLANT_TELL_ANYHOW = 1 << 5,  /* a delivery does not wait for an earlier one of its domain */
    PLANT_RENEW_TWICE = 1 << 6,  /* a renewal that a crash cut short is charged anew, without asking about its charge */
    PLANT_RENEW_UNKNOWN = 1 << 7,    /* an unknown renewal charge is tried again under another key, not closed */
    PLANT_CHARGE_CANCELLED = 1 << 8, /* a renewal does not drop what was cancelled */
    PLANT_REFUND_TWICE = 1 << 9,     /* a refund is asked for again under another key */
    PLANT_FORGET_REFUND = 1 << 10,   /* what fails is not refunded */
    PLANT_PROMO_OVER = 1 << 11,      /* a promotion's limits are not looked at when an order is reserved */
    PLANT_SIGN_UNSEEN = 1 << 14,     /* a DKIM key signs, though nobody knows whether its record can be seen */
    PLANT_DROP_EARLY = 1 << 15,      /* a DKIM key's record goes as soon as another one signs */
    PLANT_KEEP_KEY = 1 << 16,        /* a request whose idempotency key is another's by now orders nonetheless */
    PLANT_OVERWRITE = 1 << 12,       /* DNS records that were changed by hand are changed back unasked */
};

#ifdef DFYD_TEST_SWITCHES
#define WORLD_PLANTED(world, bug) (((world)->plant & (unsigned)(bug)) != 0)
#else
#define WORLD_PLANTED(world, bug) ((void)(world), false)
#endif

/*
 * Whether a lease until UNTIL_MS lasts for the job: asked right before it acts, as the thread, the machine or the
 * database may have stood still since it was given. Half of a lease is more than a job takes; who has less leaves the
 * job to the next one who leases it.
 */
static inline bool world_lease_lasts(const struct world *world, int64_t until_ms) {
    return until_ms - clock_now(world->clock) > world->lease_ms / 2;
}

/* backoff_ms, spread by the world's own randomness. */
static inline int64_t world_backoff_ms(const struct world *world, int64_t attempts, int64_t base_ms, int64_t max_ms) {
    uint32_t spread;
    rng_fill(world->rng, &spread, sizeof spread);
    return backoff_ms(attempts, base_ms, max_ms, spread);
}

/* Milliseconds before what failed ATTEMPTS times (>= 1) is tried again: those that were ASKED for; 0: it is left to us.
 */
static inline int64_t world_wait_ms(const struct world *world, int64_t attempts, int64_t asked) {
    int64_t wait = world_backoff_ms(world, attempts, world->retry_base_ms, world->retry_max_ms);
    return asked > 0 ? asked : wait;
}

/* What follows, for the log, when somebody else took a job over before its end could be recorded. */
#define WORLD_LEASE_LOST "another worker took it over; raise lease_ms if this goes on"

/* Marks a named point; see docs/testing.md for the list. */
static inline void world_reached(const struct world *world, const char *point) {
    if (world->reached) world->reached(world->reached_arg, point);
}
