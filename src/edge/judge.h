/*
 * judge: where a website that is shown under another name may be fetched from. Its name is resolved, and only when none
 * of its addresses points into the operator's network is one of them handed out; whoever fetches connects to exactly
 * that one, so a name that resolves to something else a moment later reaches nothing else. What was found out is kept
 * in memory and asked for again now and then, never while an event thread waits.
 */
#pragma once

#include "driver/resolver/resolver.h"

struct judge;

struct judge_config {
    struct resolver *resolver; /* must outlive it */
    bool allows_private;       /* for tests */
    uint16_t http_port, https_port;
    int64_t again_ms; /* how old a verdict gets; 0: 30 s */
};

struct judge *judge_create(const struct judge_config *config) __attribute__((returns_nonnull));
/* No other call may be running. NULL is fine. */
void judge_destroy(struct judge *judge);

enum verdict_state {
    VERDICT_OPEN,       /* nobody could tell */
    VERDICT_GOOD,       /* fetch from address */
    VERDICT_PRIVATE,    /* it has an address that is not public */
    VERDICT_NO_ADDRESS, /* the name has none */
};

struct verdict {
    enum verdict_state state;
    bool is_https;    /* it answers at the port for that */
    char address[64]; /* "192.0.2.1:443", "[2001:db8::1]:80" */
};

/* What is known of HOST, without waiting. False: nothing that is new enough; judge_ask finds out. */
bool judge_known(struct judge *judge, struct str host, struct verdict *ret);
/* Finds out, which takes as long as the resolver and HOST take, some seconds at most. While somebody else is at it,
 * what was known before is returned, or waited for. */
void judge_ask(struct judge *judge, struct str host, struct arena *arena, struct verdict *ret);
/* Now and then: forgets what nobody asks for any more. */
void judge_tidy(struct judge *judge);
