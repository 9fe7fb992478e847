/*
 * hook: who carries webhook deliveries to their receivers. Safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "driver/outcome.h"

struct hook;

struct hook_header {
    struct str name, value;
};

/* One POST. The header fields were checked (core/target.h). */
struct hook_post {
    struct str url, body; /* JSON */
    const struct hook_header *headers;
    size_t n_headers;
    int64_t timeout_ms;  /* for all of it, from the name lookup to the last byte */
    bool may_be_private; /* also to addresses that are not public */
};

struct hook_answer {
    struct answer answer;
    int status; /* HTTP; 0: none came */
    int64_t took_ms;
};

struct hook_ops {
    const char *name;
    /*
     * DONE: the receiver answered 2xx. UNKNOWN: anything else, a silent or unreachable receiver too; it may have got
     * it. REFUSED: nothing was sent, for the address is not public. Redirects are not followed. Mandatory.
     */
    enum outcome (*post)(struct hook *, const struct hook_post *, struct hook_answer *);
    /* Frees the driver. NULL if nothing is held. */
    void (*destroy)(struct hook *);
};

struct hook {
    const struct hook_ops *ops;
};

enum outcome hook_post(struct hook *h, const struct hook_post *post, struct hook_answer *ret);
/* NULL is fine. */
void hook_destroy(struct hook *h);

/* Over HTTP, with libcurl. Never NULL. */
struct hook *hook_curl_create(void);
