#include <stdio.h>
#include <string.h>

#include "api/operator_detail.h"
#include "commands.h"
#include "setup.h"
#include "table.h"
#include "text.h"
#include "told.h"
#include "who.h"

struct job {
    const char *workspace; /* NULL: for everyone */
    struct arena *arena;
    struct promotion_row row;
    struct audit_record record;
};

static bool tell(struct db *db, struct audit_record record, const struct promotion_row *row, struct arena *arena,
                 struct error *reterr) {
    record.detail = operator_promotion_detail(row, arena);
    return told_of_business(db, record, reterr);
}

static bool add_change(struct db *db, void *arg, struct error *reterr) {
    const struct job *j = arg;
    struct promotion_row row = j->row;
    return who_id(db, j->workspace, j->arena, &row.workspace_id, reterr) && promotion_add(db, &row, reterr) &&
           tell(db, j->record, &row, j->arena, reterr);
}

/* 0 when --FLAG is not given. */
static bool read_limit(const struct invocation *invocation, const char *flag, int64_t *ret, struct error *reterr) {
    const char *value = invocation_value(invocation, flag);
    *ret = 0;
    if (!value || str_to_int(str_of(value), 1, INT32_MAX, ret)) return true;
    return error_set(reterr, ERR_INVALID, "--%s must be a whole number from 1; not \"%.40s\"", flag, value);
}

bool run_promo_add(const struct invocation *invocation, struct error *reterr) {
    char id[UUID_TEXT];
    ids_uuid(&invocation->setup->ids, id);
    struct job job = {
        .workspace = invocation_value(invocation, "workspace"),
        .arena = invocation->arena,
        .row = {.id = str_of(id), .name = str_of(invocation_value(invocation, "name")), .ends_ms = INT64_MAX}};
    struct promotion_row *row = &job.row;
    const char *kind = invocation_value(invocation, "kind");
    while (strcmp(kind, promotion_kind_names[row->kind]) != 0) row->kind++; /* main.c lets no other word in */
    const char *starts = invocation_value(invocation, "starts"), *ends = invocation_value(invocation, "ends");
    if (!promotion_read_value(row->kind, str_of(invocation_value(invocation, "value")), "--", &row->value, reterr) ||
        !read_limit(invocation, "orders", &row->max_orders, reterr) ||
        !read_limit(invocation, "orders-each", &row->max_orders_each, reterr) ||
        (starts && !text_parse_time("starts", starts, &row->starts_ms, reterr)) ||
        (ends && !text_parse_time("ends", ends, &row->ends_ms, reterr)))
        return false;
    job.record = told_record(invocation, ACTIVITY_PROMOTION_ADDED);
    row->created_ms = job.record.now_ms;
    if (!starts) row->starts_ms = row->created_ms;
    return store_write(invocation->setup->store, add_change, &job, reterr);
}

struct ending {
    struct str name;
    int64_t at_ms;
    struct arena *arena;
    struct audit_record record;
};

static bool end_change(struct db *db, void *arg, struct error *reterr) {
    const struct ending *e = arg;
    const struct promotion_query query = {.all = true, .name = e->name, .max = 1};
    struct promotion_row *row;
    size_t n;
    return promotion_end(db, e->name, e->at_ms, e->record.now_ms, reterr) &&
           promotion_list(db, &query, e->arena, &row, &n, reterr) && tell(db, e->record, row, e->arena, reterr);
}

bool run_promo_end(const struct invocation *invocation, struct error *reterr) {
    struct ending ending = {.name = str_of(invocation_value(invocation, "name")), .arena = invocation->arena};
    const char *at = invocation_value(invocation, "at");
    if (at && !text_parse_time("at", at, &ending.at_ms, reterr)) return false;
    ending.record = told_record(invocation, ACTIVITY_PROMOTION_ENDED);
    if (!at) ending.at_ms = ending.record.now_ms;
    return store_write(invocation->setup->store, end_change, &ending, reterr);
}

/* -- list */

struct listing {
    struct promotion_query query;
    struct arena *arena;
    struct promotion_row *rows;
    size_t n;
};

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    return promotion_list(db, &l->query, l->arena, &l->rows, &l->n, reterr);
}

/* "20%", "5.00", "3 domains". */
static struct str text_value(const struct promotion_row *row, struct arena *arena) {
    switch (row->kind) {
    case PROMOTION_PERCENT:
        return arena_printf(arena, "%lld%%", (long long)row->value);
    case PROMOTION_AMOUNT:
        return text_amount(row->value, arena);
    case PROMOTION_FREE_DOMAINS:
        return arena_printf(arena, "%lld domain%s", (long long)row->value, row->value == 1 ? "" : "s");
    case PROMOTION_FIRST_MONTH:
    case PROMOTION_KIND_END:
        break;
    }
    return STR("all");
}

static struct str text_limit(int64_t limit, struct arena *arena) {
    return limit ? arena_printf(arena, "%lld", (long long)limit) : STR("any");
}

bool run_promo_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"NAME", "KIND", "VALUE", "FOR",  "STARTS",
                                         "ENDS", "USED", "LIMIT", "EACH", NULL};
    struct arena *arena = invocation->arena;
    struct listing listing = {
        .query = {.all = invocation_has(invocation, "all"), .now_ms = clock_now(&invocation->setup->clock)},
        .arena = arena};
    if (!store_read(invocation->setup->store, list_read, &listing, reterr)) return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < listing.n; i++) {
        const struct promotion_row *row = &listing.rows[i];
        table_add(table,
                  (const struct str[]){row->name, str_of(promotion_kind_names[row->kind]), text_value(row, arena),
                                       who_said(row->workspace_id, row->workspace), text_time(row->starts_ms, arena),
                                       row->ends_ms == INT64_MAX ? STR("open") : text_time(row->ends_ms, arena),
                                       arena_printf(arena, "%lld", (long long)row->used_orders),
                                       text_limit(row->max_orders, arena), text_limit(row->max_orders_each, arena)});
    }
    table_print(table, stdout);
    return true;
}
