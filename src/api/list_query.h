/* list_query: what the lists of orders and accounts have in common: their query, times and cursors. */
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
