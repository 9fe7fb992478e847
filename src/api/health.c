#include "api/call.h"

static void say_ok(struct call *call) {
    BUF_LIT(&call->response->body, "{\"status\":\"ok\"}");
    call_answer(call);
}

/* The process runs and answers. Says nothing of the disk: restarting does not mend one. */
enum http_verdict health_live(struct call *call) {
    say_ok(call);
    return HTTP_ANSWER;
}

/* Whether it can take orders is found out by a small write, which waits. */
enum http_verdict health_ready_begin(struct call *call) {
    (void)call;
    return HTTP_DEFER;
}

void health_ready_run(struct call *call) {
    struct error error = {0};
    if (call_is_draining(call)) {
        error_set(&error, ERR_UNAVAILABLE, "The server is shutting down. Use another one.");
        call_refuse(call, &error);
    } else if (!store_ready(call->config->world->store, &error)) {
        call_fail(call, &error, "No order can be taken.");
    } else {
        say_ok(call);
    }
}
