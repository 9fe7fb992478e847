/* list_query: what lists have in common: their query, times, cursors and end. */
#pragma once

#include "api/call.h"
#include "api/schema.h"
#include "store/lists.h"

struct list_query {
    int64_t limit;
    struct str starting_after; /* empty: from the newest */
    bool with_passwords;
};

extern const struct schema list_orders_query;
extern const struct schema list_accounts_query;

/* An Account of the reference without its final brace, so that a password can follow. */
void list_add_account(struct buf *out, const struct account_row *row);
void list_add_time(struct buf *out, int64_t ms);
/* Fills ERR for a starting_after that no page gave out, and returns false. */
bool list_bad_cursor(struct error *reterr);
/* The query of a list whose cursors are ids. False: it was wrong, and CALL is answered. */
bool list_read_query(struct call *call, struct list_query *ret);
/* Reads a page into ARG. False: it could not, and CALL is answered. */
bool list_read_page(struct call *call, store_fn *read, void *arg);
/* How many of N rows a page of LIMIT shows: one more than that was read when another page follows. */
size_t list_shown(size_t n, int64_t limit);
/* Begins {"items":[ and says the same. */
size_t list_begin(struct buf *out, size_t n, int64_t limit);
/* What follows the last item of {"items":[...; NEXT is the cursor of the next page, empty when there is none. */
void list_end(struct buf *out, struct str next);
