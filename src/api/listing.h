/*
 * listing: lists that are searched and filtered, page by page as JSON or all of it as CSV. A list says which states its
 * items have, and how its rows are read and written; the query, the pages and the forms are here.
 */
#pragma once

#include <stddef.h>

#include "api/call.h"
#include "api/cells.h"
#include "api/schema.h"
#include "store/search.h"

enum listing_format { LISTING_JSON, LISTING_CSV };
extern const char *const listing_format_names[]; /* "json", "csv", NULL */

struct listing_query {
    int64_t limit;
    struct str starting_after, search, domain;
    int64_t state;  /* index into the list's states, when has_state */
    int64_t format; /* enum listing_format */
    bool has_state;
    bool drift, has_drift;
};

/* The rows of a list's schema, which may add `domain` and `drift`. STATES: the words for the query, ended by NULL. */
#define LISTING_FIELDS(states)                                                                                         \
    SCHEMA_RANGE(listing_query, limit, 1, 100, 10),                                                                    \
        {.name = "starting_after", .type = SCHEMA_STRING, .offset = offsetof(struct listing_query, starting_after)},   \
        {.name = "search", .type = SCHEMA_STRING, .offset = offsetof(struct listing_query, search)},                   \
        {.name = "state",                                                                                              \
         .type = SCHEMA_STRING,                                                                                        \
         .offset = offsetof(struct listing_query, state),                                                              \
         .words = (states),                                                                                            \
         .present_offset = offsetof(struct listing_query, has_state)},                                                 \
    {                                                                                                                  \
        .name = "format", .type = SCHEMA_STRING, .offset = offsetof(struct listing_query, format),                     \
        .words = listing_format_names, .has_default = true, .fallback = LISTING_JSON                                   \
    }

struct listing {
    const char *name;           /* of its file */
    const struct schema *query; /* of a struct listing_query */
    const char *const *states;
    size_t row_size;
    bool is_slow; /* a row may take long to read: never on an event thread */
    bool (*is_cursor)(struct str text);
    /* At most search->limit rows; *ret: the first. Text from ARENA, as everything here. */
    bool (*read)(struct db *db, const struct search *search, struct arena *arena, void **ret, size_t *ret_n,
                 struct error *reterr);
    void (*write)(struct cells *cells, const void *row);
    /* What starting_after takes for the page after ROW. */
    struct str (*cursor)(const void *row, struct arena *arena);
};

/* The begin of a list's route; its run is listing_run. What is only a range of an index is answered at once. */
enum http_verdict listing_begin(struct call *call, const struct listing *listing);
