/*
 * powerdns: zones on a PowerDNS authoritative server, through its HTTP API (4.7 and later). dfyd's are those whose
 * account is "dfyd"; others are looked at only.
 *
 * What is guaranteed: a change is one PATCH, which PowerDNS does whole or not at all, and each RRset in it was as it
 * WAS when it was read a moment before. The API cannot compare and write in one step: what somebody else changes by
 * hand in the milliseconds between is overwritten. What is already as wanted is not written again. Values that dfyd
 * does not change keep the strings they were written in, and records that are switched off ("disabled") and comments
 * stay.
 *
 * A call without an answer is UNKNOWN, and may have been done. PowerDNS does what it has read from a connection, even
 * when nobody waits any more; it cannot be told to forget it. So after a write without an answer the driver asks for
 * some seconds of peace (retry_after_ms), which is far more than a server that answers again takes to do what it holds.
 */
#pragma once

#include "driver/dns/dns.h"

struct powerdns_config {
    const char *url;         /* of its webserver, such as "http://127.0.0.1:8081"; without a slash at the end */
    const char *key;         /* its api-key */
    const char *nameservers; /* host names between commas or spaces */
    int64_t timeout_ms;      /* of one call, of which a change makes some; 0: 8 seconds */
};

/* What is wrong with CONFIG and how to mend it, without its secret; NULL: nothing. */
const char *powerdns_config_fault(const struct powerdns_config *config);
/* CONFIG is without a fault; its texts are copied. Never NULL. Asks nobody. */
struct dns *dns_powerdns_create(const struct powerdns_config *config);
