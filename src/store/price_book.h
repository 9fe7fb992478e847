/*
 * price_book: the operator's prices over the standard ones, for everyone or for one workspace, as versions that start
 * at a time. Nothing is ever edited or removed, and nothing begins before it was said, so what was true at a time stays
 * true. The state of the whole book at a time is named by the version that started last; 0 is the standard.
 */
#pragma once

#include "core/prices.h"
#include "store/db.h"

/* What WORKSPACE_ID pays at NOW_MS: its own price, else the operator's, else the standard. *ret_until_ms: when the
 * book changes next, as far as is known; INT64_MAX: nothing is planned. */
MUST_CHECK bool price_book_get(struct db *db, struct str workspace_id, int64_t now_ms, struct prices *ret,
                               int64_t *ret_until_ms, struct error *reterr);
/* The same in two, so that more can be asked for at once (stmt_ask). */
struct price_asked {
    struct stmt *state, *rows;
};
MUST_CHECK bool price_book_ask(struct db *db, struct str workspace_id, int64_t now_ms, struct price_asked *ret,
                               struct error *reterr);
MUST_CHECK bool price_book_read(const struct price_asked *asked, struct prices *ret, int64_t *ret_until_ms,
                                struct error *reterr);
/* Asks (stmt_ask) for the version that names the state of the book at NOW_MS; price_book_version reads it. */
MUST_CHECK bool price_book_ask_version(struct db *db, int64_t now_ms, struct stmt **ret, struct error *reterr);
MUST_CHECK bool price_book_version(struct stmt *asked, int64_t *ret, struct error *reterr);

struct price_change {
    struct str workspace_id; /* empty: for everyone */
    enum price price;
    bool is_set;       /* false: back to what it is without entries of this workspace_id */
    cents amount;      /* when set */
    int64_t starts_ms; /* not before now */
    int64_t now_ms;
};

struct price_changed {
    int64_t version; /* that was added; 0: none, as what was to be put back is not set */
    int64_t ended;   /* the version that it put an end to; 0: it set a price */
};

/* Adds a version. ERR_INVALID for an amount that is no price, or a start in the past. Putting back what is not set
 * adds none. */
MUST_CHECK bool price_book_change(struct db *db, const struct price_change *change, struct price_changed *ret,
                                  struct error *reterr);

struct price_version {
    int64_t version;
    struct str workspace_id; /* empty: for everyone */
    struct str workspace;    /* its name; empty: for everyone, or there is none of that id */
    struct str price;        /* its name */
    bool is_set;
    cents amount; /* when set */
    int64_t starts_ms, created_ms;
    bool holds; /* now, or from its start on if that is to come: no other one has taken its place then */
};

struct price_query {
    bool all;                /* of all workspaces; else of everyone's and of WORKSPACE_ID's */
    struct str workspace_id; /* empty: of everyone's alone */
    int64_t before;          /* the last version of the page before; 0: from the newest */
    int64_t only;            /* this version; 0: all */
    int64_t now_ms;          /* for `holds` */
    size_t max;
};
/* Newest start first. Text from ARENA. */
MUST_CHECK bool price_book_history(struct db *db, const struct price_query *query, struct arena *arena,
                                   struct price_version **ret, size_t *ret_n, struct error *reterr);
/* One version; ERR_NOT_FOUND. Text from ARENA. */
MUST_CHECK bool price_book_find(struct db *db, int64_t version, int64_t now_ms, struct arena *arena,
                                struct price_version *ret, struct error *reterr);
/*
 * Ends VERSION by a version that follows it: one that has started, at AT_MS, from when on the price is what it is
 * without entries of this workspace; one that has not, at its own start, so that what was to hold until then goes on.
 * ERR_NOT_FOUND: there is no such version. ERR_CONFLICT: another has taken its place, it ended before, or
 * there is nothing that would go on instead. ERR_INVALID: AT_MS is past.
 */
MUST_CHECK bool price_book_end(struct db *db, int64_t version, int64_t at_ms, int64_t now_ms, struct arena *arena,
                               struct price_changed *ret, struct error *reterr);

/* What WORKSPACE_ID will pay from a time on. */
struct price_plan {
    int64_t starts_ms;
    struct prices prices;
};

/* The starts after NOW_MS that change something for WORKSPACE_ID, earliest first. */
MUST_CHECK bool price_book_plans(struct db *db, struct str workspace_id, int64_t now_ms, struct arena *arena,
                                 struct price_plan **ret, size_t *ret_n, struct error *reterr);
