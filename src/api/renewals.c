/* What is due when, and what became of it. */
#include "api/list_query.h"
#include "api/member.h"
#include "core/calendar.h"
#include "store/renewals_view.h"

enum { MONTHS_SHOWN = 12 };

struct paging {
    const struct call *call;
    const struct list_query *query;
    int64_t until_ms;
    struct renewal_row *renewals;
    size_t n;
    struct upcoming_day *days;
    size_t n_days;
};

/* One more than asked for tells whether there is another page. */
static bool read_renewals(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    struct str workspace_id = str_of(p->call->identity->workspace.id);
    struct str before = p->query->starting_after;
    return renewals_page(db, workspace_id, before, (size_t)p->query->limit + 1, p->call->arena, &p->renewals, &p->n,
                         reterr) &&
           (before.n || renewals_upcoming(db, workspace_id, p->until_ms, p->call->arena, &p->days, &p->n_days, reterr));
}

static void add_day(struct buf *out, const char *name, int64_t ms) {
    char text[CALENDAR_TEXT];
    calendar_format(ms, text);
    buf_printf(out, "\"%s\":\"%s\"", name, text);
}

static void add_upcoming(struct buf *out, const struct upcoming_day *day) {
    BUF_LIT(out, "{");
    add_day(out, "day", day->day_ms);
    member_money(out, "amount", day->amount);
    for (int kind = 0; kind < LINE_KIND_END; kind++)
        buf_printf(out, ",\"%ss\":%lld", line_kind_names[kind], (long long)day->n[kind]);
    BUF_LIT(out, "}");
}

static void add_renewal(struct buf *out, const struct renewal_row *r) {
    bool is_open = r->state == RENEWAL_DUE || r->state == RENEWAL_CHARGING || r->state == RENEWAL_SUSPENDED;
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, r->id);
    BUF_LIT(out, ",");
    add_day(out, "day", r->day_ms);
    member_text(out, "state", str_of(renewal_state_names[r->state]));
    member_money(out, "amount", r->amount);
    member_text(out, "currency", STR("USD"));
    buf_printf(out, ",\"failures\":%lld", (long long)r->failures);
    member_text(out, "reason", r->reason);
    member_text(out, "next", !is_open ? STR("") : r->cancels ? STR("cancel") : STR("try"));
    member_time(out, "timestamp_next", is_open ? r->due_ms : 0);
    member_text(out, "payment_method_brand", r->brand);
    member_text(out, "payment_method_last_4_digits", r->last4);
    member_time(out, "timestamp_created", r->created_ms);
    member_time(out, "timestamp_ended", is_open ? 0 : r->due_ms);
    BUF_LIT(out, ",\"items\":[");
    for (size_t i = 0; i < r->n_lines; i++) {
        if (i) buf_add_byte(out, ',');
        invoice_line_json(out, &r->lines[i]);
    }
    BUF_LIT(out, "]}");
}

enum http_verdict list_renewals(struct call *call) {
    struct list_query query;
    if (!list_read_query(call, &query)) return HTTP_ANSWER;
    struct paging p = {
        .call = call,
        .query = &query,
        .until_ms = calendar_add_months(clock_now(call->config->world->clock), MONTHS_SHOWN) + CALENDAR_DAY_MS,
    };
    if (!list_read_page(call, read_renewals, &p)) return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    size_t shown = list_shown(p.n, query.limit);
    BUF_LIT(out, "{");
    if (!query.starting_after.n) {
        BUF_LIT(out, "\"upcoming\":[");
        for (size_t i = 0; i < p.n_days; i++) {
            if (i) buf_add_byte(out, ',');
            add_upcoming(out, &p.days[i]);
        }
        BUF_LIT(out, "],");
    }
    BUF_LIT(out, "\"items\":[");
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_renewal(out, &p.renewals[i]);
    }
    list_end(out, shown < p.n ? p.renewals[shown - 1].id : STR(""));
    call_answer(call);
    return HTTP_ANSWER;
}
