#include "store/events.h"

#include "base/buf.h"
#include "base/clock.h"

enum { PAYLOAD_MAX_BYTES = 4096 };

const char *const event_type_names[EVENT_END] = {
    [EVENT_ORDER_PLACED] = "dfy_order_placed",           [EVENT_DOMAIN_READY] = "dfy_domain_ready",
    [EVENT_DOMAIN_FAILED] = "dfy_domain_failed",         [EVENT_ACCOUNT_READY] = "dfy_account_ready",
    [EVENT_ACCOUNT_CANCELLED] = "dfy_account_cancelled", [EVENT_RENEWAL_SUCCEEDED] = "dfy_renewal_succeeded",
    [EVENT_RENEWAL_FAILED] = "dfy_renewal_failed",       [EVENT_DOMAIN_SWAPPED] = "dfy_domain_swapped",
    [EVENT_ACCOUNT_FAILED] = "dfy_account_failed",       [EVENT_DOMAIN_DRIFTED] = "dfy_domain_drifted",
    [EVENT_DOMAIN_RESTORED] = "dfy_domain_restored",
};

static void add_member(struct buf *out, const char *name, struct str value) {
    if (!value.n) return;
    buf_add_byte(out, out->n ? ',' : '{');
    buf_add_json(out, str_of(name));
    buf_add_byte(out, ':');
    buf_add_json(out, value);
}

static void add_refund(struct buf *out, const struct event *event) {
    char until[TIME_TEXT];
    if (event->refund <= 0) return;
    buf_add_byte(out, out->n ? ',' : '{');
    BUF_LIT(out, "\"refund\":");
    money_json(out, event->refund);
    if (!event->swap_until_ms) return;
    time_format(event->swap_until_ms, until);
    add_member(out, "swap_until", str_of(until));
}

static void finish_buf(struct buf *buf) {
    buf_finish(buf);
}

bool event_add(struct db *db, const struct event *event, struct error *reterr) {
    CLEANUP(finish_buf) struct buf payload;
    buf_init(&payload, PAYLOAD_MAX_BYTES);
    add_member(&payload, "domain", event->domain);
    add_member(&payload, "email", event->email);
    add_member(&payload, "order_id", event->order_id);
    add_member(&payload, "reason", event->reason);
    add_refund(&payload, event);
    if (event->more.n) {
        buf_add_byte(&payload, payload.n ? ',' : '{');
        buf_add(&payload, event->more);
    }
    if (payload.n)
        buf_add_byte(&payload, '}');
    else
        BUF_LIT(&payload, "{}");
    if (!buf_ok(&payload)) return error_set(reterr, ERR_INTERNAL, "an event of more than %d bytes", PAYLOAD_MAX_BYTES);
    struct stmt *stmt = db_stmt(db, "INSERT INTO events (workspace_id, type, domain, payload, created_ms)"
                                    " VALUES ($1, $2, $3, $4, $5)");
    stmt_text(stmt, 1, event->workspace_id);
    stmt_text(stmt, 2, str_of(event_type_names[event->type]));
    stmt_text(stmt, 3, event->domain);
    stmt_text(stmt, 4, buf_str(&payload));
    stmt_int(stmt, 5, event->now_ms);
    return stmt_queue(stmt, reterr);
}
