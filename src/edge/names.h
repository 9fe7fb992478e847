/*
 * names: what the edge serves, in memory, kept as the database has it. Looking costs neither a lock nor a query while
 * nothing is committed; after a commit, of this process or another, whoever looks first reads what changed, while the
 * others go on with what was.
 */
#pragma once

#include "core/order.h"
#include "core/state.h"
#include "store/store.h"

struct names;

/* Reads every name; about a million a second or two. STORE must outlive it. */
MUST_CHECK bool names_create(struct store *store, struct names **ret, struct error *reterr);
/* NULL is fine. No thread may be looking. */
void names_destroy(struct names *names);

/* What is served under a domain. Borrowed until names_end. */
struct served {
    struct str domain;
    struct str target; /* of its web traffic; empty: none */
    enum forwarding_mode mode;
    enum provider mail_provider;
};

/* Between these two a thread may look; waits for nothing but a small read, after a commit, and with a
 * shared database for nothing. Not nested. */
void names_begin(struct names *names);
void names_end(struct names *names);
/* DOMAIN in lower case. False: it is not served. */
bool names_find(struct names *names, struct str domain, struct served *ret);
/* The domain of a website: itself, or what stands after "www.". False: nothing is forwarded under HOST. */
bool names_find_site(struct names *names, struct str host, struct served *ret);
/*
 * Whether the website under HOST, which is forwarded to TARGET, leads back to itself through others that are forwarded
 * here, or through more of them than anybody needs.
 */
bool names_is_loop(struct names *names, struct str domain, struct str target);

/* Once a second: what is too much to read while a visitor waits, or far away, and freeing. On failure what was known
 * stays. */
MUST_CHECK bool names_tidy(struct names *names, struct error *reterr);
size_t names_count(struct names *names);
