/* A workspace's domains, searched and filtered. */
#include "api/found.h"
#include "api/listing.h"
#include "base/ids.h"

static const char *const states[] = {"provisioning", "ready", "partial", "failed", "cancelled", NULL};
static const struct schema_field fields[] = {
    LISTING_FIELDS(states),
    {.name = "drift",
     .type = SCHEMA_BOOLEAN,
     .offset = offsetof(struct listing_query, drift),
     .present_offset = offsetof(struct listing_query, has_drift)},
};
static const struct schema query = {fields, ARRAY_LEN(fields), sizeof(struct listing_query)};

static bool read_rows(struct db *db, const struct search *search, struct arena *arena, void **ret, size_t *ret_n,
                      struct error *reterr) {
    struct found_domain *rows;
    if (!search_domains(db, search, arena, &rows, ret_n, reterr)) return false;
    *ret = rows;
    return true;
}

/* The sooner of two times, of which 0 is never. */
static int64_t sooner(int64_t a, int64_t b) {
    if (!a || !b) return a + b;
    return a < b ? a : b;
}

void found_domain_write(struct cells *cells, const struct found_domain *d) {
    cells_word(cells, "id", d->id);
    cells_word(cells, "domain", d->name);
    cells_word(cells, "provider", str_of(provider_names[d->provider]));
    cells_word(cells, "state", str_of(domain_state_names[d->state]));
    cells_bool(cells, "is_pre_warmed", d->is_pre_warmed);
    cells_text(cells, "forwarding", d->forwarding);
    cells_text(cells, "forwarding_mode", d->forwarding.n ? str_of(forwarding_mode_names[d->mode]) : STR(""));
    cells_int(cells, "n_mailboxes", d->n_mailboxes);
    cells_word(cells, "order_id", d->order_id);
    cells_bool(cells, "drift", d->has_drifted);
    cells_time(cells, "timestamp_created", d->created_ms);
    cells_time(cells, "timestamp_renews", sooner(d->year_renews_ms, d->month_renews_ms));
    cells_time(cells, "timestamp_cancelled", d->cancelled_ms);
}

static void write_row(struct cells *cells, const void *row) {
    found_domain_write(cells, row);
}

static struct str cursor(const void *row, struct arena *arena) {
    (void)arena;
    return ((const struct found_domain *)row)->id;
}

static const struct listing domains = {
    .name = "domains",
    .query = &query,
    .states = states,
    .row_size = sizeof(struct found_domain),
    .is_cursor = uuid_is_valid,
    .read = read_rows,
    .write = write_row,
    .cursor = cursor,
};

enum http_verdict search_domains_begin(struct call *call) {
    return listing_begin(call, &domains);
}
