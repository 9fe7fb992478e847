/*
 * operator: what the calls under /api/dfyd/v1/operator have in common. They are about the whole business, so their
 * routes ask for all:all and the key has to be an operator's. What they change is told in the audit log of that key's
 * workspace, as what they change often belongs to none.
 */
#pragma once

#include "api/list_query.h"
#include "store/workspaces.h"

struct operator_query {
    int64_t limit;
    struct str starting_after, search, workspace, activity;
    int64_t state; /* index into the words of the list */
};

/* The rows that these lists have in common. */
#define OPERATOR_PAGE_FIELDS                                                                                           \
    SCHEMA_RANGE(operator_query, limit, 1, 100, 10), {                                                                 \
        .name = "starting_after", .type = SCHEMA_STRING, .offset = offsetof(struct operator_query, starting_after)     \
    }
#define OPERATOR_SEARCH_FIELD                                                                                          \
    { .name = "search", .type = SCHEMA_STRING, .offset = offsetof(struct operator_query, search) }

/* Decodes the query; false: it was wrong, and CALL is answered. HAS_IDS: cursors are ids. */
bool operator_read_query(struct call *call, const struct schema *schema, bool has_ids, struct operator_query *ret);
/* Decodes the query into call->order, for run; or it was wrong, and CALL is answered. */
enum http_verdict operator_defer(struct call *call, const struct schema *schema);
/* ASKED is an id or a name; empty gives one without an id, for everyone. ERR_NOT_FOUND. */
MUST_CHECK bool operator_workspace(struct db *db, struct str asked, struct arena *arena, struct workspace *ret,
                                   struct error *reterr);
/* ,"workspace_id":...,"workspace":NAME; both null when ID is empty. */
void operator_add_workspace(struct buf *out, struct str id, struct str name);
/* The moment, or the first of the day, that TEXT says; FALLBACK when it is empty. NAME is for the words of ERR_INVALID.
 */
MUST_CHECK bool operator_time(struct str text, const char *name, int64_t fallback, int64_t *ret_ms,
                              struct error *reterr);
/* A record of a change of what belongs to no workspace in particular. DETAIL: a JSON object. */
struct audit_record operator_record(struct call *call, enum activity activity, int64_t affected, struct str detail,
                                    int64_t now_ms);

/* An end of something, at a time. */
struct operator_end {
    struct str timestamp_end; /* empty: now */
};
extern const struct schema operator_end_schema;

/* The handlers. */
enum http_verdict operator_workspaces(struct call *call);
enum http_verdict operator_prices(struct call *call);
enum http_verdict operator_set_price_begin(struct call *call);
void operator_set_price_run(struct call *call);
enum http_verdict operator_end_price_begin(struct call *call);
void operator_end_price_run(struct call *call);
enum http_verdict operator_promotions(struct call *call);
enum http_verdict operator_add_promotion_begin(struct call *call);
void operator_add_promotion_run(struct call *call);
enum http_verdict operator_end_promotion_begin(struct call *call);
void operator_end_promotion_run(struct call *call);
enum http_verdict operator_inventory_begin(struct call *call);
void operator_inventory_run(struct call *call);
enum http_verdict operator_import_begin(struct call *call);
void operator_import_run(struct call *call);
enum http_verdict operator_remove_stock_begin(struct call *call);
void operator_remove_stock_run(struct call *call);
enum http_verdict operator_audit_begin(struct call *call);
void operator_audit_run(struct call *call);
enum http_verdict operator_work_begin(struct call *call);
void operator_work_run(struct call *call);
enum http_verdict operator_retry_begin(struct call *call);
void operator_retry_run(struct call *call);
enum http_verdict operator_queue_begin(struct call *call);
void operator_queue_run(struct call *call);
enum http_verdict operator_health_begin(struct call *call);
void operator_health_run(struct call *call);
