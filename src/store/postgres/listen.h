/*
 * listen: a thread with a connection of its own, on which other nodes say that they committed something (LISTEN), and
 * this one says it to them (NOTIFY). What it says is "look": who hears it looks into the database.
 *
 * Whether notifications arrive is tried out first, by one that another connection sends: through a pool that hands
 * sessions out by transaction, as PgBouncer does, none does. Then, and for as long as there is no connection, or one
 * that does not answer, it is as if others said something all the time.
 */
#pragma once

#include "base/error.h"

struct listener;

enum {
    LISTEN_TELL_MS = 20,   /* between two times that this node tells, and two calls of `news` */
    LISTEN_POLL_MS = 1000, /* `news` is called as often anyhow: who told may have ended before it did */
    LISTEN_DEAF_MS = 500,  /* `identities` is called as often while nothing can be heard */
    LISTEN_BEAT_MS = 300,  /* a quiet connection is tried as often, and has as long to answer */
};

/* The channel. What is said on it is a letter, and perhaps who says it. */
#define LISTEN_CHANNEL "dfyd"
/* Said in a transaction, so that others hear of it however this node ends; PostgreSQL commits such transactions one
 * after another. Who says it hears it, too. */
#define LISTEN_SAY_IDENTITIES "SELECT pg_notify('" LISTEN_CHANNEL "', 'i')"
#define LISTEN_SAY_NEWS "SELECT pg_notify('" LISTEN_CHANNEL "', 'c')"

struct listener_config {
    const char *url; /* where LISTEN works */
    /* All from the listener's thread. Others committed something; that changes who may call, too. */
    void (*news)(void *arg);
    void (*identities)(void *arg);
    /* EVENT, because of REASON, and what follows; for the log. Once until it is over. */
    void (*tell)(void *arg, const char *event, const char *reason, const char *next);
    void *arg;
};

/* Does not wait for the server. What CONFIG points to is copied. ERR_INVALID: not a URL. */
MUST_CHECK bool listener_start(const struct listener_config *config, struct listener **ret, struct error *reterr);
/* Ends the thread, in the midst of whatever it does. NULL is fine. */
void listener_stop(struct listener *listener);
/* This node committed something: others are told soon, or as soon as it can be said. Does not wait. */
void listener_say(struct listener *listener);
