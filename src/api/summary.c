/* How many domains and mailboxes a workspace has, by state: for an overview. */
#include "store/summary.h"
#include "api/call.h"

/* All of a large workspace is counted: no work for an event thread. */
enum http_verdict summary_defer(struct call *call) {
    (void)call;
    return HTTP_DEFER;
}

struct asked {
    const struct call *call;
    struct summary summary;
};

static bool read_summary(struct db *db, void *arg, struct error *reterr) {
    struct asked *a = arg;
    return summary_get(db, str_of(a->call->identity->workspace.id), &a->summary, reterr);
}

/* Those of an order that is not paid yet are nobody's: the first state is left out. */
static void add_states(struct buf *out, const char *const *names, const int64_t *counts, size_t n) {
    for (size_t i = 1; i < n; i++) buf_printf(out, "\"%s\":%lld,", names[i], (long long)counts[i]);
}

void summary_run(struct call *call) {
    struct asked asked = {.call = call};
    struct error error = {0};
    if (!store_read(call->config->world->store, read_summary, &asked, &error)) {
        call_fail(call, &error, "");
        return;
    }
    struct buf *out = &call->response->body;
    const struct summary *summary = &asked.summary;
    BUF_LIT(out, "{\"domains\":{");
    add_states(out, domain_state_names, summary->domains, DOMAIN_STATE_END);
    buf_printf(out, "\"drifted\":%lld},\"mailboxes\":{", (long long)summary->drifted);
    add_states(out, account_state_names, summary->accounts, ACCOUNT_STATE_END);
    buf_printf(out, "\"suspended\":%lld}}", (long long)summary->suspended);
    call_answer(call);
}
