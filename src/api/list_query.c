#include "api/list_query.h"

#include <stddef.h>

#include "api/member.h"

static const struct schema_field fields[] = {
    SCHEMA_RANGE(list_query, limit, 1, 100, 10),
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

void list_add_account(struct buf *out, const struct account_row *row) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, row->id);
    BUF_LIT(out, ",\"domain\":");
    buf_add_json(out, row->domain);
    BUF_LIT(out, ",\"email\":");
    buf_add_json(out, row->email);
    BUF_LIT(out, ",\"email_provider\":");
    buf_add_int(out, (int64_t)row->provider);
    BUF_LIT(out, ",\"first_name\":");
    buf_add_json(out, row->first_name);
    BUF_LIT(out, ",\"last_name\":");
    buf_add_json(out, row->last_name);
    buf_add(out, row->is_pre_warmed ? STR(",\"is_pre_warmed_up\":true") : STR(",\"is_pre_warmed_up\":false"));
    BUF_LIT(out, ",\"timestamp_cancelled\":");
    if (row->cancelled_ms)
        list_add_time(out, row->cancelled_ms);
    else
        BUF_LIT(out, "\"\"");
    BUF_LIT(out, ",\"timestamp_created\":");
    list_add_time(out, row->created_ms);
}

bool list_bad_cursor(struct error *reterr) {
    return error_set(reterr, ERR_INVALID,
                     "querystring/starting_after must be the next_starting_after of the page before");
}

bool list_read_query(struct call *call, struct list_query *ret) {
    struct error error = {0};
    bool ok = schema_query(&list_orders_query, call->request->query, call->arena, ret, &error);
    if (ok && ret->starting_after.n && !uuid_is_valid(ret->starting_after)) ok = list_bad_cursor(&error);
    if (!ok) call_refuse(call, &error);
    return ok;
}

bool list_read_page(struct call *call, store_fn *read, void *arg) {
    struct error error = {0};
    bool ok = store_read(call->config->world->store, read, arg, &error);
    if (!ok) call_fail(call, &error, "");
    return ok;
}

size_t list_shown(size_t n, int64_t limit) {
    return n > (size_t)limit ? (size_t)limit : n;
}

size_t list_begin(struct buf *out, size_t n, int64_t limit) {
    BUF_LIT(out, "{\"items\":[");
    return list_shown(n, limit);
}

void list_end(struct buf *out, struct str next) {
    BUF_LIT(out, "]");
    if (next.n) member_text(out, "next_starting_after", next);
    BUF_LIT(out, "}");
}
