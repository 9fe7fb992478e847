#include "api/list_query.h"

#include <stddef.h>

static const struct schema_field fields[] = {
    {.name = "limit",
     .type = SCHEMA_INTEGER,
     .offset = offsetof(struct list_query, limit),
     .has_minimum = true,
     .minimum = 1,
     .has_maximum = true,
     .maximum = 100,
     .has_default = true,
     .fallback = 10},
    {.name = "starting_after", .type = SCHEMA_STRING, .offset = offsetof(struct list_query, starting_after)},
    {.name = "with_passwords",
     .type = SCHEMA_BOOLEAN,
     .offset = offsetof(struct list_query, with_passwords),
     .has_default = true,
     .fallback = false},
};

/* The list of orders has no passwords to show, so it takes all rows but the last. */
const struct schema list_orders_query = {fields, ARRAY_LEN(fields) - 1, sizeof(struct list_query)};
const struct schema list_accounts_query = {fields, ARRAY_LEN(fields), sizeof(struct list_query)};

void list_add_time(struct buf *out, int64_t ms) {
    char text[TIME_TEXT];
    time_format(ms, text);
    buf_add_json(out, str_of(text));
}

bool list_bad_cursor(struct error *reterr) {
    return error_set(reterr, ERR_INVALID,
                     "querystring/starting_after must be the next_starting_after of the page before");
}
