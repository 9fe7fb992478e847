/* A workspace's invoices and credit notes, searched and filtered. */
#include "api/listing.h"
#include "api/payments.h"

static const char *const states[] = {"paid", "owed", "credited", NULL};
static const struct schema_field fields[] = {LISTING_FIELDS(states)};
static const struct schema query = {fields, ARRAY_LEN(fields), sizeof(struct listing_query)};

static bool read_rows(struct db *db, const struct search *search, struct arena *arena, void **ret, size_t *ret_n,
                      struct error *reterr) {
    struct invoice_row *rows;
    if (!invoices_search(db, search, arena, &rows, ret_n, reterr)) return false;
    *ret = rows;
    return true;
}

static void write_row(struct cells *cells, const void *row) {
    invoices_cells(cells, row);
}

static bool is_number(struct str text) {
    int64_t number;
    return str_to_int(text, 1, INT64_MAX, &number);
}

static struct str cursor(const void *row, struct arena *arena) {
    return arena_printf(arena, "%lld", (long long)((const struct invoice_row *)row)->number);
}

static const struct listing invoices = {
    .name = "invoices",
    .query = &query,
    .states = states,
    .row_size = sizeof(struct invoice_row),
    .is_cursor = is_number,
    .read = read_rows,
    .write = write_row,
    .cursor = cursor,
};

enum http_verdict search_invoices_begin(struct call *call) {
    return listing_begin(call, &invoices);
}
