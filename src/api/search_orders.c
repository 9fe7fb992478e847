/* A workspace's orders, searched and filtered: what they are and how far their work is. */
#include "api/listing.h"
#include "base/ids.h"

static const char *const states[] = {"reserved", "placed", "payment_failed", NULL};
static const struct schema_field fields[] = {LISTING_FIELDS(states)};
static const struct schema query = {fields, ARRAY_LEN(fields), sizeof(struct listing_query)};

static bool read_rows(struct db *db, const struct search *search, struct arena *arena, void **ret, size_t *ret_n,
                      struct error *reterr) {
    struct found_order *rows;
    if (!search_orders(db, search, arena, &rows, ret_n, reterr)) return false;
    *ret = rows;
    return true;
}

static void write_row(struct cells *cells, const void *row) {
    const struct found_order *o = row;
    cells_word(cells, "id", o->id);
    cells_word(cells, "order_type", str_of(order_type_names[o->type]));
    cells_word(cells, "state", str_of(order_state_names[o->state]));
    cells_text(cells, "reason", o->reason);
    cells_money(cells, "total_price", o->amount);
    cells_time(cells, "timestamp_created", o->created_ms);
    cells_time(cells, "timestamp_ended", o->ended_ms);
    cells_texts(cells, "domains", o->names, o->n_names);
    cells_int(cells, "n_domains", o->n_domains);
    cells_int(cells, "n_mailboxes", o->n_mailboxes);
    cells_group(cells, "steps");
    cells_int(cells, "done", o->progress.done);
    cells_int(cells, "open", o->progress.open);
    cells_int(cells, "retrying", o->progress.retrying);
    cells_int(cells, "failed", o->progress.failed);
    cells_ungroup(cells);
}

static struct str cursor(const void *row, struct arena *arena) {
    (void)arena;
    return ((const struct found_order *)row)->id;
}

static const struct listing orders = {
    .name = "orders",
    .query = &query,
    .states = states,
    .row_size = sizeof(struct found_order),
    .is_slow = true, /* all its steps are counted */
    .is_cursor = uuid_is_valid,
    .read = read_rows,
    .write = write_row,
    .cursor = cursor,
};

enum http_verdict search_orders_begin(struct call *call) {
    return listing_begin(call, &orders);
}
