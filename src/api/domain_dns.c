/* What is wanted in a domain's zone, what is served, and what a resolver sees, line by line. */
#include "api/call.h"
#include "api/domain_json.h"
#include "api/member.h"
#include "step/zone.h"
#include "store/zone_parts.h"

struct asked {
    const struct call *call;
    struct str name;
    struct zone_subject subject;
};

static bool read_subject(struct db *db, void *arg, struct error *reterr) {
    struct asked *a = arg;
    return zone_subject_get(db, str_of(a->call->identity->workspace.id), a->name, a->call->arena, &a->subject, reterr);
}

/* Finds the domain at once; drivers are asked where waiting is allowed. */
enum http_verdict domain_dns_begin(struct call *call) {
    struct asked asked = {.call = call};
    struct error error = {0};
    if (!call_domain(call, &asked.name, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    if (!store_read(call->config->world->store, read_subject, &asked, &error)) {
        call_fail(call, &error, "");
        return HTTP_ANSWER;
    }
    struct zone_subject *subject = ARENA_NEW(call->arena, struct zone_subject);
    *subject = asked.subject;
    call->order = subject;
    call->changes_nothing = true;
    return HTTP_DEFER;
}

static bool look(struct call *call, struct zone_report reports[ZONE_PART_END], struct error *reterr) {
    const struct zone_subject *subject = call->order;
    for (int part = 0; part < ZONE_PART_END; part++) {
        struct zone_report *report = &reports[part];
        if (part == ZONE_MAIL && !subject->has_mail) continue; /* to ask what is wanted would make keys that sign */
        const struct zone_job job = {
            .domain_id = subject->domain_id,
            .domain = subject->domain,
            .part = (enum zone_part)part,
            .provider = subject->provider,
            .forwards = subject->forwards,
        };
        if (!zone_look(call->config->world, &job, call->arena, report, reterr)) return false;
    }
    return true;
}

static void answer(struct call *call, const struct zone_report reports[ZONE_PART_END]) {
    const struct zone_subject *subject = call->order;
    struct str reason = STR("");
    bool is_ok = true;
    for (int part = 0; part < ZONE_PART_END; part++) {
        if (!reason.n) reason = reports[part].reason;
        is_ok = is_ok && !reports[part].n_not_ok && !reports[part].reason.n;
    }
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, subject->domain);
    buf_printf(out, ",\"ok\":%s", is_ok ? "true" : "false");
    member_text(out, "reason", reason);
    BUF_LIT(out, ",\"records\":");
    records_json(out, reports, call->arena);
    BUF_LIT(out, "}");
    call_answer(call);
}

/* A DNS host or resolver that is silent keeps a thread for many seconds: orders need others. */
void domain_dns_run(struct call *call) {
    struct zone_report reports[ZONE_PART_END] = {{.n = 0}};
    struct error error = {0};
    if (!call_may_wait(call)) {
        error_set(&error, ERR_RATE_LIMITED, "Other domains are being looked at. Try again in some seconds.");
        call_refuse(call, &error);
        return;
    }
    bool ok = look(call, reports, &error);
    call_has_waited(call);
    if (ok)
        answer(call, reports);
    else
        call_fail(call, &error, "");
}
