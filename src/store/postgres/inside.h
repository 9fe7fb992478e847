/*
 * inside: what the files of this folder share of an open store. listen.c uses the first part and provides the second.
 */
#pragma once

#include "store/engine.h"
#include "store/postgres/pool.h"

/* What notifications of changed identities are sent on (without words), in the transaction that changes them. */
#define CHANNEL_IDENTITIES "dfyd_identities"

/* ---- of store.c ---- */

/* Where the database is. The listener opens its own connection: link_open and libpq. */
const struct target *inside_target(const struct store *store);
/* TOPIC may have changed: its generation grows. Identities are part of anything: both grow. */
void inside_bump(struct store *store, enum store_topic topic);
/* Another node committed something: calls store_on_news's function. */
void inside_tell(struct store *store);

/* ---- of listen.c; not with `single` ---- */

struct listener;

/* Its thread runs until listener_stop, and may use STORE until that returns. */
MUST_CHECK bool listener_start(struct store *store, struct listener **ret, struct error *reterr);
/* NULL is fine. */
void listener_stop(struct listener *listener);
/* This store committed something (its generations are counted up already): other nodes are to look. Cheap; any
 * thread. */
void listener_committed(struct listener *listener);
