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
    LISTEN_ID = 16 + 1,    /* a node's name in notifications, and a NUL */
};

/* What PostgreSQL sends to those that run LISTEN dfyd: the letter, and the id of who says it. */
#define LISTEN_CHANNEL "dfyd"
enum listen_word { LISTEN_NEWS = 'c', LISTEN_IDENTITIES = 'i', LISTEN_TRIAL = 't' };

struct listener_config {
    const char *url;    /* where LISTEN works */
    char id[LISTEN_ID]; /* what is said under it is this node's own, and not heard */
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
