/*
 * target: where connections may go because a client says so: webhooks and websites that are forwarded to. Which
 * addresses are public, and whether a URL and its extra header fields are fit to be kept. Pure. What a name resolves to
 * is only known when it is connected to: driver/hook and edge/judge ask again then.
 */
#pragma once

#include "base/str.h"

/*
 * Whether an address, 4 or 16 bytes in network order, is that of some host on the public Internet. Not: loopback,
 * private, link-local (cloud metadata), shared, documentation, multicast and reserved ranges (the IANA special-purpose
 * registries), and IPv6 forms that carry such an IPv4 address: mapped, 6to4, NAT64.
 */
bool target_address_is_public(const unsigned char *address, size_t size);

/* NULL when URL is http or https with a host, in printable ASCII; else what is wrong, in the words of Ajv. */
const char *target_url_fault(struct str url);
/* Whether the host of a faultless URL is by its words alone no public one: an address that is not public, in any
 * notation, or a name of this machine or this network. */
bool target_url_is_private(struct str url);
/* Whether what is sent to a faultless URL stays unread on the way: https, or within this machine or network. */
bool target_url_keeps_secrets(struct str url);
/* Whether a host name, without a final dot, is by its words alone one of this machine or this network. */
bool target_host_is_private(struct str host);

/* NULL when a header field may be added to a delivery (RFC 9110 section 5); else what is wrong. Names that frame the
 * message, belong to the connection or are dfyd's own are refused. */
const char *target_header_fault(struct str name, struct str value);
