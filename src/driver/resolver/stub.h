/*
 * stub: asks resolvers over UDP, and TCP where an answer does not fit. Within a call each that keeps silent is tried
 * twice, for 2 s each time; after 8 s in all it gives up.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "driver/resolver/resolver.h"

struct stub_config {
    const char *host; /* numeric address; NULL or empty: the system's resolvers, from /etc/resolv.conf, which is read
                         with each call */
    uint16_t port;
    const char *resolv_conf; /* another file in its place; NULL: that one */
    int64_t try_ms;          /* 0: 2000 */
};

/* The texts are copied. ERR_INVALID when HOST is no numeric address, or PORT is 0. */
MUST_CHECK bool resolver_stub_open(const struct stub_config *config, struct resolver **ret, struct error *reterr);
