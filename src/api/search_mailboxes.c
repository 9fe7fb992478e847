/* A workspace's mailboxes, searched and filtered. */
#include "api/found.h"
#include "api/listing.h"
#include "base/ids.h"

static const char *const states[] = {"pending", "ready", "failed", "cancelled", NULL};
static const struct schema_field fields[] = {
    LISTING_FIELDS(states),
    {.name = "domain", .type = SCHEMA_STRING, .offset = offsetof(struct listing_query, domain)},
};
static const struct schema query = {fields, ARRAY_LEN(fields), sizeof(struct listing_query)};

static bool read_rows(struct db *db, const struct search *search, struct arena *arena, void **ret, size_t *ret_n,
                      struct error *reterr) {
    struct found_mailbox *rows;
    if (!search_mailboxes(db, search, arena, &rows, ret_n, reterr)) return false;
    *ret = rows;
    return true;
}

void found_mailbox_write(struct cells *cells, const struct found_mailbox *m) {
    cells_word(cells, "id", m->id);
    cells_word(cells, "email", m->email);
    cells_word(cells, "first_name", m->first_name);
    cells_word(cells, "last_name", m->last_name);
    cells_word(cells, "domain", m->domain);
    cells_word(cells, "provider", str_of(provider_names[m->provider]));
    cells_word(cells, "state", str_of(account_state_names[m->state]));
    cells_text(cells, "reason", m->reason);
    cells_bool(cells, "is_suspended", m->is_suspended);
    cells_bool(cells, "is_pre_warmed", m->is_pre_warmed);
    cells_time(cells, "timestamp_created", m->created_ms);
    cells_time(cells, "timestamp_renews", m->renews_ms);
    cells_time(cells, "timestamp_cancelled", m->cancelled_ms);
}

static void write_row(struct cells *cells, const void *row) {
    found_mailbox_write(cells, row);
}

static struct str cursor(const void *row, struct arena *arena) {
    (void)arena;
    return ((const struct found_mailbox *)row)->id;
}

static const struct listing mailboxes = {
    .name = "mailboxes",
    .query = &query,
    .states = states,
    .row_size = sizeof(struct found_mailbox),
    .is_cursor = uuid_is_valid,
    .read = read_rows,
    .write = write_row,
    .cursor = cursor,
};

enum http_verdict search_mailboxes_begin(struct call *call) {
    return listing_begin(call, &mailboxes);
}
