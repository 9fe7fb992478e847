/*
 * name: domain and host names. IDNA 2008 with UTS 46 mapping (libidn2) and the public suffix list (libpsl).
 * Pure: neither DNS nor network.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

/*
 * TEXT as a host name in A-label form: lower case, no final dot, at least two labels, letters, digits and inner
 * hyphens only (RFC 1123, RFC 5891), and the last label is not numeric. False for schemes, ports, paths, spaces,
 * addresses, NUL bytes, over-long labels. *ret comes from ARENA.
 */
MUST_CHECK bool name_host(struct str text, struct arena *arena, struct str *ret);
/* Whether NAME (from name_host) is exactly one label under a public suffix: what a registry sells. */
bool name_is_registrable(struct str name);
/* The extension of a registrable name: all after its first label, "com" or "co.uk". */
struct str name_extension(struct str name);
/* All before the extension's dot. */
struct str name_label(struct str name);
/* The registrable name that NAME (from name_host) is or is under, over all of the public suffix list: who has one name
 * under it may have all (RFC 7489 section 3.2). Empty when it is a public suffix. */
struct str name_organization(struct str name);
/* The U-label form for people; the name itself when it has none. */
struct str name_unicode(struct str name, struct arena *arena);
