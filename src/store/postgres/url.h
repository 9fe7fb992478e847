/*
 * url: where the database is, as its URL says, for libpq. What the URL leaves open is set:
 *
 *     target_session_attrs=read-write  the primary, of several hosts
 *     keepalives_idle=10 keepalives_interval=3 keepalives_count=3 tcp_user_timeout=10000
 *     connect_timeout=3                seconds for each host
 *     application_name=dfyd
 *
 * Hosts are tried one by one here, as libpq does not go on to the next after a time-out unless it blocks.
 */
#pragma once

#include <libpq-fe.h>
#include <stdint.h>

#include "base/error.h"

struct target;

MUST_CHECK bool target_parse(const char *url, struct target **ret, struct error *reterr);
/* NULL is fine. */
void target_destroy(struct target *target);
size_t target_hosts(const struct target *target);
/* For each host. */
int64_t target_connect_ms(const struct target *target);
/* NULL: none in the URL. */
const char *target_password(const struct target *target);
/* Begins to connect to a host, from 0; NULL when there is no memory. */
PGconn *target_begin(const struct target *target, size_t host);
