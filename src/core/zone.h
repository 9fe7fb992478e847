/*
 * zone: what has to change so that a zone serves what is wanted, and what somebody else changed. Pure.
 *
 * Three books are compared for each name and type: what is wanted now, what dfyd published before (one or two states:
 * the last one that is known to be done, and one that was begun and may have been done), and what the zone serves.
 * What is served as dfyd left it may be changed; anything else was changed by hand, and is left alone unless told
 * otherwise. A TXT RRset is shared: values in it that dfyd never wrote stay there, and only a second SPF policy
 * (RFC 7208 section 3.2) or a second record of the same kind at the same name is a conflict. What others keep at a name
 * where dfyd never had anything is left alone, too, unless it stands in the way of an address that is wanted there.
 */
#pragma once

#include "base/error.h"
#include "core/records.h"

struct rrsets {
    struct rrset *sets;
    size_t n;
};

/* What becomes of an RRset. Both have the same name and type; without data: there is none. */
struct zone_change {
    struct rrset was; /* as it was served when it was looked at */
    struct rrset to;
};

enum zone_line_state {
    ZONE_SAME,    /* served as wanted */
    ZONE_CHANGES, /* to be added, changed or taken away */
    ZONE_BY_HAND, /* somebody else changed it, or put something there first */
};

struct zone_line {
    struct rrset wanted, served; /* without data: none */
    enum zone_line_state state;
};

struct zone_plan {
    struct zone_line *lines; /* one for each name and type that is wanted, was published, or is in the way */
    size_t n_lines;
    struct zone_change *changes; /* what has to be published, removals first; empty: all is as wanted */
    size_t n_changes;
    size_t n_by_hand;   /* lines that are left alone; 0 when OVERWRITE */
    struct str by_hand; /* what was changed by hand, one sentence for people; empty when n_by_hand is 0 */
};

/* The names and types that have to be looked at: all of WANTED and of the states in BEFORE, and aliases where addresses
 * are wanted; each once. From ARENA. */
struct rrsets zone_names(struct rrsets wanted, const struct rrsets *before, size_t n_before, struct arena *arena);
/*
 * SERVED: an entry for each of zone_names, as the zone serves it. OVERWRITE: what was changed by hand is changed back.
 * ERR_CONFLICT: nothing is wanted, but something was published; that would empty a zone, which no plan may do.
 */
MUST_CHECK bool zone_plan(struct rrsets wanted, const struct rrsets *before, size_t n_before, struct rrsets served,
                          bool overwrite, struct arena *arena, struct zone_plan *ret, struct error *reterr);
/* Whether NAME is ZONE or stands under it; both absolute, in lower case. */
bool zone_has_name(struct str zone, struct str name);
/* Whether one of its values is VALUE, byte by byte. */
bool rrset_has(const struct rrset *set, struct str value);
/* The same set of values, whatever their order; the TTL as well. Names and types are not looked at. */
bool rrset_same(const struct rrset *a, const struct rrset *b);
/* The same, but for the TTL. */
bool rrset_same_data(const struct rrset *a, const struct rrset *b);
/* Whether what a resolver answers is what is WANTED: the TTL counts down there; in TXT there may be values of others.
 */
bool rrset_is_seen(const struct rrset *wanted, const struct rrset *seen);
/* The first RRset with data in WANTED that SEEN does not have, in a sentence for people; empty: all are there. */
struct str zone_not_seen(struct rrsets wanted, struct rrsets seen, struct arena *arena);
/* VALUE as ASCII that can be printed: other bytes and "\" are \DDD (RFC 1035 section 5.1). From ARENA. */
struct str rrset_printable(struct str value, struct arena *arena);
/* RRsets as text, to be kept: a line for each value, "NAME TAB TYPE TAB TTL TAB VALUE", where bytes
 * that are not printable are \DDD; and back. Those without data are not written. ERR_INTERNAL. */
struct str zone_write(struct rrsets sets, struct arena *arena);
MUST_CHECK bool zone_read(struct str text, struct arena *arena, struct rrsets *ret, struct error *reterr);
