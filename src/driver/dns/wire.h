/*
 * wire: names and records between the house's form (struct rrset) and ldns, which writes and reads the bytes
 * (RFC 1035). Pure. What ldns makes is the caller's, to be freed with ldns's functions.
 *
 * A TXT value is the bytes of all its strings, one behind the other. How they were cut is lost, so whoever has to name
 * a record exactly keeps the ldns_rr.
 */
#pragma once

#include <stdbool.h> /* before ldns, which else makes bool a signed char */

#include <ldns/ldns.h>

#include "base/arena.h"
#include "core/records.h"

/* The type of that name, "MX"; 0 for one that is not listed at struct rrset, and "NS". */
ldns_rr_type wire_type(const char *type);
/* A name, with or without its final dot, in lower case; NULL when it is none (RFC 1035 section 2.3.4). */
MUST_CHECK ldns_rdf *wire_name(struct str name);
/* Lower case, absolute; with a final dot where FINAL_DOT says so, as in values. */
struct str wire_name_text(const ldns_rdf *name, bool final_dot, struct arena *arena);
/* The value of a record of a known type; false when its fields are not those of the type. */
MUST_CHECK bool wire_value(const ldns_rr *rr, struct arena *arena, struct str *ret);
/* The reverse: a record of class IN. NULL when VALUE is none of the type. */
MUST_CHECK ldns_rr *wire_record(const ldns_rdf *owner, ldns_rr_type type, int ttl, struct str value);
/* Those of LIST that have this owner, type and class IN, as an RRset; its TTL is the lowest of theirs. Values that
 * cannot be read make it false. */
MUST_CHECK bool wire_rrset(const ldns_rr_list *list, const ldns_rdf *owner, struct str name, const char *type,
                           struct arena *arena, struct rrset *ret);
