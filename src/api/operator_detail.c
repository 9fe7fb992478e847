#include "api/operator_detail.h"

#include "api/member.h"

enum { NAMES_KEPT = 20, DETAIL_MAX = 1 << 16 };

/* What TEXT holds, from ARENA; TEXT is finished. */
static struct str take(struct buf *text, struct arena *arena) {
    struct str copy = arena_str(arena, buf_str(text));
    buf_finish(text);
    return copy;
}

struct str operator_price_detail(const struct price_version *made, int64_t ended, struct arena *arena) {
    struct buf text;
    buf_init(&text, DETAIL_MAX);
    buf_printf(&text, "{\"version\":%lld", (long long)(ended ? ended : made->version));
    member_text(&text, "name", made->price);
    if (made->is_set)
        member_money(&text, "amount", made->amount);
    else
        BUF_LIT(&text, ",\"amount\":null");
    member_text(&text, "workspace_id", made->workspace_id);
    member_time(&text, "timestamp_start", made->starts_ms);
    BUF_LIT(&text, "}");
    return take(&text, arena);
}

static void add_count(struct buf *out, const char *name, int64_t n) {
    buf_printf(out, ",\"%s\":", name);
    if (n)
        buf_add_int(out, n);
    else
        BUF_LIT(out, "null");
}

void operator_promotion_members(struct buf *out, const struct promotion_row *row) {
    member_text(out, "name", row->name);
    member_text(out, "kind", str_of(promotion_kind_names[row->kind]));
    BUF_LIT(out, ",\"value\":");
    if (row->kind == PROMOTION_AMOUNT)
        money_json(out, row->value);
    else if (row->kind == PROMOTION_FIRST_MONTH)
        BUF_LIT(out, "null");
    else
        buf_add_int(out, row->value);
    member_time(out, "timestamp_start", row->starts_ms);
    member_time(out, "timestamp_end", row->ends_ms == INT64_MAX ? 0 : row->ends_ms);
    add_count(out, "max_orders", row->max_orders);
    add_count(out, "max_orders_each", row->max_orders_each);
}

struct str operator_promotion_detail(const struct promotion_row *row, struct arena *arena) {
    struct buf text;
    buf_init(&text, DETAIL_MAX);
    BUF_LIT(&text, "{\"promotion_id\":");
    buf_add_json(&text, row->id);
    operator_promotion_members(&text, row);
    member_text(&text, "workspace_id", row->workspace_id);
    BUF_LIT(&text, "}");
    return take(&text, arena);
}

struct str operator_stock_detail(const struct stock *stocks, size_t n, struct arena *arena) {
    struct buf text;
    size_t n_mailboxes = 0;
    buf_init(&text, DETAIL_MAX);
    BUF_LIT(&text, "{\"domains\":[");
    for (size_t i = 0; i < n; i++) {
        n_mailboxes += stocks[i].n_accounts;
        if (i >= NAMES_KEPT) continue;
        if (i) buf_add_byte(&text, ',');
        buf_add_json(&text, stocks[i].domain);
    }
    buf_printf(&text, "],\"n_mailboxes\":%zu}", n_mailboxes);
    return take(&text, arena);
}

struct str operator_removed_detail(struct str domain, struct arena *arena) {
    struct buf text;
    buf_init(&text, DETAIL_MAX);
    BUF_LIT(&text, "{\"domain\":");
    buf_add_json(&text, domain);
    BUF_LIT(&text, "}");
    return take(&text, arena);
}

struct str operator_work_detail(enum work_kind kind, struct str id, struct str workspace_id, struct arena *arena) {
    struct buf text;
    buf_init(&text, DETAIL_MAX);
    buf_printf(&text, "{\"kind\":\"%s\"", work_kind_names[kind]);
    member_text(&text, "id", id);
    member_text(&text, "workspace_id", workspace_id);
    BUF_LIT(&text, "}");
    return take(&text, arena);
}
