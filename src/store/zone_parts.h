/*
 * zone_parts: what dfyd publishes for each part of a domain's zone, and what it has begun to publish (core/zone.h says
 * how that is compared with what a server has). A part without a row was published by a dfyd that kept no such book, or
 * never.
 */
#pragma once

#include "core/order.h"
#include "core/records.h"
#include "store/db.h"

struct zone_part_row {
    bool exists;
    struct str published; /* RRsets as text (zone_write), known to be served when they were written here */
    bool is_begun;        /* a change was begun, and its end is not known */
    struct str begun;     /* each state that may be served because of it: its text, and an empty line */
    bool overwrite;       /* what was changed by hand is to be changed back, once */
};

/* Text from ARENA. A part without a row is an answer, too. */
MUST_CHECK bool zone_part_get(struct db *db, struct str domain_id, enum zone_part part, struct arena *arena,
                              struct zone_part_row *ret, struct error *reterr);
/*
 * Writes `published` and what has begun of TO, if the row still is as it was SEEN; else does nothing and *ret_stale is
 * true. Once nothing is under way any more, the leave to overwrite is used up.
 */
MUST_CHECK bool zone_part_put(struct db *db, struct str domain_id, enum zone_part part,
                              const struct zone_part_row *seen, const struct zone_part_row *to, bool *ret_stale,
                              struct error *reterr);
/* Whose zone it is. */
struct zone_subject {
    struct str domain_id, domain;
    enum provider provider;
    bool forwards; /* it has a website's address */
    bool has_mail; /* dfyd publishes its mail records: it was not bought pre-warmed */
};

/* A domain of the workspace that is not given up. Text from ARENA. ERR_NOT_FOUND. */
MUST_CHECK bool zone_subject_get(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                                 struct zone_subject *ret, struct error *reterr);
/* Whether a worker publishes records of the domain at this moment. If not, none begins to before the end of this
 * transaction. For changes. */
MUST_CHECK bool zone_parts_publishing(struct db *db, struct str domain_id, bool *ret, struct error *reterr);
/*
 * NAME's records are published again as they are wanted, over what was changed by hand: leave for it is written down,
 * and the steps that publish are due at NOW_MS. ERR_NOT_FOUND: dfyd has no such domain. ERR_CONFLICT: it is not in use,
 * or dfyd does not publish its records. ERR_UNAVAILABLE: they are being published at this moment.
 */
MUST_CHECK bool zone_parts_repair(struct db *db, struct str name, int64_t now_ms, struct error *reterr);
/*
 * The records of all domains in use are published again as they are wanted, but for what was changed by hand: the steps
 * that publish are due one after the other from NOW_MS on, so that orders find room between them. *ret_n: the domains.
 */
MUST_CHECK bool zone_parts_publish_all(struct db *db, int64_t now_ms, int64_t *ret_n, struct error *reterr);
