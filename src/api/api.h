/*
 * api: the calls that clients make. One row a route; one file a group of endpoints.
 */
#pragma once

#include "http/http.h"
#include "step/world.h"

struct api;
struct node;
struct worker;

struct api_config {
    const struct world *world;
    struct worker *worker;  /* woken after an order is placed; NULL: none */
    struct node *node;      /* told when a shared database is away; may be NULL */
    const char *public_url; /* where customers reach this server; NULL: as the request did */
    const char *web_dir;    /* folder of the console's files; NULL: those in the program */
    int64_t session_ms;     /* how long who signs in to the console stays signed in */
    unsigned providers_off; /* bit 1 << provider; those that the mail host does not serve are off anyhow */
    int64_t wait_ms;        /* how long a call may wait for a shared database, its turn included */
    unsigned streams;       /* that go on at the same time, of events and other long answers; a workspace has half */
    bool rate_limit;        /* whether calls are limited at all */
    int64_t rate_per_second, rate_per_minute; /* of a workspace; 0: not limited by it */
};

/* Never NULL. What CONFIG points to must outlive it. */
struct api *api_create(const struct api_config *config);
/* NULL is fine; after the server that uses it was stopped. */
void api_destroy(struct api *api);
/* What http_start wants. */
struct http_app api_app(struct api *api);
/* Ends what requests could not, as the disk was full. To be called about once a second; may wait for the disk. */
void api_tidy(struct api *api);
/* From now on /readyz says 503, so that a balancer sends no more. */
void api_drain(struct api *api);
