/* hub_inside: what hub.c and hub_round.c share, and nobody else sees. */
#pragma once

#include <pthread.h>

#include "api/hub.h"
#include "store/feed.h"

enum {
    PLACE_MAX = 128,
    HUB_CHECK_MS = 5000, /* how late a session that nobody ended is found to be over */
};

struct follower {
    struct follower *next;
    struct http_stream *stream;
    char workspace_id[UUID_TEXT], key_id[UUID_TEXT];
    char order_id[UUID_TEXT]; /* "": none */
    unsigned char session[KEY_HASH];
    bool has_session;
    char place[PLACE_MAX]; /* that it wants to go on from; "": from now on */
    bool is_new;           /* nothing was sent yet */
    bool in_round;         /* it was there when the round began */
    int64_t after;         /* of a new one: the number of the last event it has; -1: it has none, or it is unknown */
    int64_t sent;          /* the greatest number that was sent */
    int64_t told;          /* it was told that it has all up to here */
    int64_t opened_ms, said_ms; /* steady */
    struct feed_print print;
};

/* Numbers in ascending order. */
struct numbers {
    int64_t *of;
    size_t n, cap;
};

struct hub {
    struct hub_config config;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stop;
    bool has_new; /* a follower came */
    struct follower *first;

    /* The thread's own. All events up to `after` were told to those whom they concern; of those above it, the `seen`
     * ones. After a snapshot's `newest` none is missing once everything below `begun` has ended. */
    bool is_primed;
    int64_t after;
    struct numbers seen;
    int64_t newest, begun;
    uint64_t generation, identities; /* of the store, at the last round */
    int64_t round_ms, checked_ms;    /* steady: when it was, and when keys were looked at */
    bool failed;                     /* the last one, which was said */
};

/* Asks the store once, and tells the followers. Under the mutex, which it lets go of while it asks. */
void hub_round(struct hub *hub, int64_t now_ms);
/* What is kept between rounds is not current any more. */
void hub_forget(struct hub *hub);
/* Sends TEXT, and notes when. */
void hub_say(struct follower *follower, struct str text, int64_t now_ms);
