/* The password of one mailbox, and a record of who saw it. */
#include "api/call.h"
#include "api/member.h"
#include "step/reveal.h"

/* The record has to be durable before the password is out. */
enum http_verdict show_password_begin(struct call *call) {
    (void)call;
    return HTTP_DEFER;
}

void show_password_run(struct call *call) {
    struct reveal reveal = {.email = call->parameter};
    struct error error = {0};
    if (!reveal_password(call->config->world, str_of(call->identity->workspace.id), &reveal, call_actor(call),
                         call->arena, &error)) {
        if (error.code == ERR_NOT_FOUND) error_set(&error, ERR_NOT_FOUND, "Resource not found");
        call_fail(call, &error, "No password was shown.");
        return;
    }
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"email\":");
    buf_add_json(out, reveal.email);
    member_text(out, "password", reveal.password);
    BUF_LIT(out, "}");
    call_answer(call);
}
