/*
 * place: turns a checked and quoted order into a placed one: reserve, charge with the order's id as the key, settle.
 * Each phase ends at a durable point, so a crash between two of them is resolved by settle.h.
 */
#pragma once

#include "core/quote.h"
#include "driver/payment/payment.h"
#include "step/world.h"
#include "store/orders.h"
#include "store/workspaces.h"

enum place_phase {
    PLACE_RESERVE,
    PLACE_CHARGE,
    PLACE_OPEN, /* instead of charging: a page to pay on */
    PLACE_KEEP,
    PLACE_SETTLE,
    PLACE_RELEASE,
    /* Ends: */
    PLACE_PLACED,
    PLACE_ON_PAGE,  /* the customer pays on a page; page_url and page_answer say where. Names are held meanwhile */
    PLACE_DECLINED, /* decline says why; names are given back */
    PLACE_CHANGED,  /* the facts changed since the check: gather and judge again; nothing was done */
    PLACE_PENDING,  /* the charge's outcome is not known yet; settling goes on by itself */
    PLACE_ERROR, /* error says why; nothing was charged. ERR_UNSURE: the order may be reserved, until it ends itself */
};

struct placing {
    enum place_phase phase;
    struct reservation reservation;
    struct ids *ids;
    enum decline decline;
    struct answer answer; /* the payment driver's words */
    char reference[80];   /* its name for the charge */
    struct error error;
    int64_t key_claimed_ms; /* set by the caller: of the reservation's idempotency key (store/idempotency.h) */
    bool key_is_lost;       /* the error is that another request holds it by now */
    bool keeps_key;         /* a planted bug (step/world.h): nobody looks whether it does */
    /* Set by the caller: the answer to store under the idempotency key for each decline; may be NULL without a key. */
    struct str (*declined_answer)(void *arg, enum decline decline);
    /* Of an order that is paid on a page: set by place_on_page. */
    struct str (*make_page_answer)(void *arg, struct str url);
    struct str base_url;
    struct checkout_page page;
    struct str page_url, page_answer;
    struct arena *arena;
    void *arg;
};

/*
 * Starts a placing: draws ids, passwords and seals from WORLD. Everything comes from ARENA and borrows from CHECK;
 * both must outlive it. The caller may then set reservation.actor. ANSWER is what to answer once placed. CARD is one
 * that can be charged here, unless the total is 0.
 */
void place_init(struct placing *placing, const struct world *world, const struct check *check,
                const struct quote *quote, struct str workspace_id, const struct card *card, struct str idempotency_key,
                struct str answer, struct arena *arena);
/* A new password, sealed; from ARENA. */
struct str place_password(const struct world *world, struct arena *arena);
/*
 * After place_init: the customer pays on a page of the payment provider's. BASE_URL: where this server is reached,
 * without a slash at the end; PAGE_ANSWER makes what is answered, and stored for the idempotency key, when the page is
 * open. Both as long-lived as the placing.
 */
void place_on_page(struct placing *placing, const struct world *world, struct str base_url,
                   struct str (*page_answer)(void *arg, struct str url));
/* Runs one phase; true while there is another to run. */
bool place_next(struct placing *placing, const struct world *world);
bool place_is_over(const struct placing *placing);
