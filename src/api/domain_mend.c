/* What a customer may ask for about a domain: try again now, publish the records again, check it. */
#include "api/call.h"
#include "api/domain_json.h"
#include "api/member.h"
#include "base/log.h"
#include "step/mend.h"
#include "worker/worker.h"

enum http_verdict mend_domain_begin(struct call *call) {
    struct str *name = ARENA_NEW(call->arena, struct str);
    struct error error = {0};
    if (!call_domain(call, name, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = name;
    return HTTP_DEFER;
}

static struct str domain_of(const struct call *call) {
    const struct str *name = call->order;
    return *name;
}

static struct str workspace_of(const struct call *call) {
    return str_of(call->identity->workspace.id);
}

static void has_begun(const struct call *call, const char *event) {
    log_event(LOG_INFO, event, LOG_STR("workspace", workspace_of(call)), LOG_STR("domain", domain_of(call)));
    if (call->config->worker) worker_wake(call->config->worker);
}

void retry_domain_run(struct call *call) {
    int64_t n = 0;
    struct error error = {0};
    if (!domain_retry(call->config->world, workspace_of(call), domain_of(call), call_actor(call), &n, &error)) {
        call_fail(call, &error, "");
        return;
    }
    has_begun(call, "domain_retried");
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, domain_of(call));
    BUF_LIT(out, ",\"retried\":");
    buf_add_int(out, n);
    BUF_LIT(out, "}");
    call_answer(call);
}

void repair_domain_run(struct call *call) {
    struct error error = {0};
    if (!domain_repair(call->config->world, workspace_of(call), domain_of(call), call_actor(call), &error)) {
        call_fail(call, &error, "Nothing was changed.");
        return;
    }
    has_begun(call, "domain_repair_begun");
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, domain_of(call));
    BUF_LIT(out, "}");
    call_answer(call);
}

static void add_mailbox(struct buf *out, const struct care_mailbox_seen *seen) {
    static const char *const states[] = {
        [OUTCOME_DONE] = "ok", [OUTCOME_REFUSED] = "broken", [OUTCOME_UNKNOWN] = "unknown"};
    BUF_LIT(out, "{\"email\":");
    buf_add_json(out, seen->email);
    member_text(out, "state", str_of(states[seen->outcome]));
    member_text(out, "reason", seen->reason);
    BUF_LIT(out, "}");
}

static void answer_check(struct call *call, const struct domain_check *check) {
    const struct care_report *report = &check->report;
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, domain_of(call));
    buf_printf(out, ",\"ok\":%s,\"kept\":%s,\"findings\":", report->n_findings ? "false" : "true",
               check->is_kept ? "true" : "false");
    findings_json(out, report->findings, report->n_findings);
    BUF_LIT(out, ",\"mailboxes\":[");
    for (size_t i = 0; i < report->n_mailboxes; i++) {
        if (i) buf_add_byte(out, ',');
        add_mailbox(out, &report->mailboxes[i]);
    }
    BUF_LIT(out, "],\"records\":");
    records_json(out, report->parts, call->arena);
    BUF_LIT(out, "}");
    call_answer(call);
}

/* A mail host or resolver that is silent keeps a thread for many seconds: orders need others. */
void check_domain_run(struct call *call) {
    struct domain_check check;
    struct error error = {0};
    if (!call_may_wait(call)) {
        error_set(&error, ERR_RATE_LIMITED, "Other domains are being looked at. Try again in some seconds.");
        call_refuse(call, &error);
        return;
    }
    bool ok = domain_check(call->config->world, workspace_of(call), domain_of(call), call_actor(call), call->arena,
                           &check, &error);
    call_has_waited(call);
    if (ok)
        answer_check(call, &check);
    else
        call_fail(call, &error, "");
}
