/*
 * hub: tells whoever follows a workspace what happens there, while it happens, by streams of server-sent events. One
 * thread for all of them: when something was committed, by whichever node, it asks the store once for all; it sleeps
 * while nobody listens.
 *
 * A follower gets each event of its workspace at least once, from the place that it names or from now on, and for an
 * order it names a `progress` whenever that is in another state. A stream ends with the key or the session that opened
 * it, after an hour, or when the server stops; whoever reads too slowly is cut by http.
 */
#pragma once

#include "http/http.h"
#include "step/world.h"

struct hub;
struct node;

struct hub_config {
    const struct world *world;
    struct node *node;          /* told when a shared database is away; may be NULL */
    unsigned most_of_workspace; /* streams of one workspace */
};

/* Never NULL. */
struct hub *hub_create(const struct hub_config *config);
/* Ends all streams. NULL is fine. */
void hub_destroy(struct hub *hub);

struct hub_wish {
    struct str workspace_id, key_id;
    struct str session;  /* its hash; empty: the key itself was sent */
    struct str order_id; /* empty: none */
    struct str place;    /* event_place.h; empty: from now on */
};

/* Makes RESPONSE a stream of what is wished. Does not wait. ERR_RATE_LIMITED: the workspace has too many. */
MUST_CHECK bool hub_join(struct hub *hub, const struct hub_wish *wish, struct http_response *response,
                         struct error *reterr);
