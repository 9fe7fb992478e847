/*
 * cookie: the cookie of who is signed in to the console (RFC 6265), and what a request has to show so that no other
 * site made it. Where the server is reached over https the cookie is for https alone, and bound to its host by name.
 */
#pragma once

#include "http/http.h"

/* The value of the cookie NAME in a Cookie header; empty: there is none. */
struct str cookie_find(struct str header, const char *name);
/* The token that REQUEST's cookie holds; empty: it has none. */
struct str cookie_token(const struct http_request *request, bool is_https);
/*
 * Whether it was the console's own page that made REQUEST: what changes something has to have a header that no other
 * site can send (x-dfyd-console), and nothing may come from another site where the browser says so (Sec-Fetch-Site).
 * Else ERR_FORBIDDEN.
 */
MUST_CHECK bool cookie_check_origin(const struct http_request *request, struct error *reterr);
/* Has the browser keep TOKEN for SECONDS; an empty one, with 0, has it forget. */
void cookie_set(struct http_response *response, bool is_https, const char *token, int64_t seconds);
