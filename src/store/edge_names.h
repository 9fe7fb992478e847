/*
 * edge_names: which names the forwarding edge serves, and which of them changed lately. A domain is served from the
 * moment that it is registered until it is cancelled; its web traffic only while none of its mailboxes is suspended
 * because of a bill that is not paid.
 */
#pragma once

#include "core/order.h"
#include "core/state.h"
#include "store/db.h"

struct edge_name {
    struct str name;             /* the domain's */
    bool is_served;              /* false: there is nothing under this name (any more) */
    struct str target;           /* of its web traffic; empty: none */
    enum forwarding_mode mode;   /* says nothing without a target */
    enum provider mail_provider; /* of its mailboxes */
};

/* Texts are borrowed for the time of the call. */
typedef void edge_name_fn(void *arg, const struct edge_name *name);

/* The number of the newest change that all changes before are seen of, too, from 1. */
MUST_CHECK bool edge_names_version(struct db *db, int64_t *ret, struct error *reterr);
/* Every served name. */
MUST_CHECK bool edge_names_all(struct db *db, edge_name_fn *each, void *arg, struct error *reterr);
/*
 * The names that changed after version SINCE, as they are now, about MOST changes at most, oldest first; some may come
 * twice, also in a later call. *ret_version: the version that this leads to; *ret_more: there are more after it.
 * *ret_known false: what changed is not kept that far back, and nothing was handed out: read all.
 */
MUST_CHECK bool edge_names_changed(struct db *db, int64_t since, size_t most, edge_name_fn *each, void *arg,
                                   int64_t *ret_version, bool *ret_more, bool *ret_known, struct error *reterr);
/* Hourly: drops changes that go back further than is kept. */
MUST_CHECK bool edge_names_forget(struct db *db, struct error *reterr);
