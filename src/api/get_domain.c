/* One domain: how it is, what hangs on it, what is done for it next. */
#include "api/call.h"
#include "api/domain_json.h"
#include "api/found.h"
#include "api/member.h"
#include "api/step_json.h"
#include "store/domain_detail.h"

struct asked {
    const struct call *call;
    struct str name;
    struct domain_detail detail;
};

static bool read_detail(struct db *db, void *arg, struct error *reterr) {
    struct asked *a = arg;
    return domain_detail_get(db, str_of(a->call->identity->workspace.id), a->name, a->call->arena, &a->detail, reterr);
}

static void add_mailboxes(struct buf *out, const struct domain_detail *d) {
    BUF_LIT(out, ",\"mailboxes\":[");
    for (size_t i = 0; i < d->n_mailboxes; i++) {
        struct cells cells;
        if (i) buf_add_byte(out, ',');
        cells_begin(&cells, out, CELLS_JSON);
        found_mailbox_write(&cells, &d->mailboxes[i]);
        cells_end(&cells);
    }
    BUF_LIT(out, "]");
}

static void add_findings(struct buf *out, const struct domain_detail *d, struct arena *arena) {
    struct finding *findings;
    size_t n;
    findings_read(d->check.findings, arena, &findings, &n);
    BUF_LIT(out, ",\"findings\":{\"timestamp_checked\":");
    if (d->has_care && d->check.is_checked) {
        char text[TIME_TEXT];
        time_format(d->check.checked_ms, text);
        buf_add_json(out, str_of(text));
    } else {
        BUF_LIT(out, "null");
    }
    member_text(out, "unclear_reason", d->check.unclear_reason);
    BUF_LIT(out, ",\"items\":");
    findings_json(out, findings, n);
    BUF_LIT(out, "}");
}

static void add_dkim(struct buf *out, const struct domain_detail *d) {
    if (!d->has_care || !d->key.rotation) {
        BUF_LIT(out, ",\"dkim\":null");
        return;
    }
    BUF_LIT(out, ",\"dkim\":{\"rotation\":");
    buf_add_int(out, d->key.rotation);
    member_text(out, "phase", str_of(dkim_phase_names[d->key.phase]));
    member_time(out, "timestamp_since", d->key.since_ms);
    member_time(out, "timestamp_next_move", d->key.again_ms);
    member_text(out, "reason", d->key.reason);
    BUF_LIT(out, "}");
}

static void add_money(struct buf *out, const struct domain_detail *d) {
    member_money(out, "year_price", d->year_price);
    member_money(out, "month_price", d->month_price);
    member_time(out, "timestamp_year_renews", d->domain.year_renews_ms);
    member_time(out, "timestamp_month_renews", d->domain.month_renews_ms);
    BUF_LIT(out, ",\"orders\":[");
    for (size_t i = 0; i < d->n_orders; i++) {
        if (i) buf_add_byte(out, ',');
        BUF_LIT(out, "{\"id\":");
        buf_add_json(out, d->orders[i].id);
        member_text(out, "order_type", str_of(order_type_names[d->orders[i].type]));
        member_time(out, "timestamp_created", d->orders[i].created_ms);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}

enum http_verdict get_domain(struct call *call) {
    struct asked asked = {.call = call};
    struct error error = {0};
    if (!call_domain(call, &asked.name, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (!store_read(call->config->world->store, read_detail, &asked, &error)) {
        if (error.code == ERR_NOT_FOUND) error_set(&error, ERR_NOT_FOUND, "Resource not found");
        call_fail(call, &error, "");
        return HTTP_ANSWER;
    }
    const struct domain_detail *detail = &asked.detail;
    struct buf *out = &call->response->body;
    struct cells cells;
    cells_begin(&cells, out, CELLS_JSON);
    found_domain_write(&cells, &detail->domain);
    cells_text(&cells, "swapped_for", detail->swapped_for);
    add_mailboxes(out, detail);
    BUF_LIT(out, ",\"steps\":");
    step_json_list(out, detail->steps, detail->n_steps);
    add_findings(out, detail, call->arena);
    add_dkim(out, detail);
    add_money(out, detail);
    cells_end(&cells);
    call_answer(call);
    return HTTP_ANSWER;
}
