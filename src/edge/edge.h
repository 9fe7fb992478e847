/*
 * edge: what the web server in front (Caddy) asks for each visitor of a forwarded domain, answered from memory on a
 * listener of its own, which only that web server may reach:
 *
 *   GET /ask?domain=NAME   200 when a certificate for NAME may be got, else 404.
 *   GET /route?host=NAME   200 with X-Dfy-Mode: `redirect` (to https, X-Dfy-Target is the host), `proxy-http` and
 *                          `proxy-https` (connect to X-Dfy-Address, and to nothing else, for the host X-Dfy-Target) or
 *                          `dfyd` (ask /mail). Anything else is what the visitor gets: 404 not served here, 403 a
 *                          target inside the operator's network, 502 a target without an address, 503 not known yet,
 *                          508 a target that leads back here. Without `host`, X-Forwarded-Host names the website.
 *   ... /mail/NAME/PATH    the documents of edge/mail.h.
 */
#pragma once

#include "edge/judge.h"
#include "edge/mail.h"
#include "http/http.h"
#include "step/world.h"

struct edge;

struct edge_config {
    const struct world *world; /* its store, resolver and mailbox driver; must outlive the edge */
    struct mail_host mail;
    bool private_targets;           /* targets may be inside this network: for tests */
    uint16_t http_port, https_port; /* of targets */
};

/* Reads all names from the store. */
MUST_CHECK bool edge_create(const struct edge_config *config, struct edge **ret, struct error *reterr);
/* No request may be running. NULL is fine. */
void edge_destroy(struct edge *edge);
struct http_app edge_app(struct edge *edge);
/* About once a second. Says in the log when what is served can no longer be read, and when it can again. */
void edge_tidy(struct edge *edge);
