/* The hook driver over HTTP. */
#include <stdlib.h>

#include "driver/hook/hook.h"
#include "driver/web/web.h"

/* Of the answer; it is thrown away, but the connection stays usable if it was short. */
enum { ANSWER_MAX_BYTES = 65536 };

struct curl_hook {
    struct hook base;
    struct web *web;
};

static enum outcome judge(enum web_result result, const struct web_reply *reply, struct answer *answer) {
    switch (result) {
    case WEB_PRIVATE:
        return answer_set(answer, OUTCOME_REFUSED,
                          "the target's address is private, of this machine or reserved: nothing was sent");
    case WEB_FAILED:
        return answer_set(answer, OUTCOME_UNKNOWN, "%s", reply->reason);
    case WEB_ANSWERED:
    case WEB_TOO_LONG: /* is judged by its status like any other */
        break;
    }
    if (reply->status >= 200 && reply->status < 300) return OUTCOME_DONE;
    if (reply->status >= 300 && reply->status < 400)
        return answer_set(answer, OUTCOME_UNKNOWN, "the target answered %d; redirects are not followed", reply->status);
    return answer_set(answer, OUTCOME_UNKNOWN, "the target answered %d", reply->status);
}

static enum outcome post(struct hook *hook, const struct hook_post *post, struct hook_answer *ret) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct web_header *headers = ARENA_ARRAY(arena, post->n_headers + 1, struct web_header);
    headers[0] = (struct web_header){STR("Content-Type"), STR("application/json; charset=utf-8")};
    for (size_t i = 0; i < post->n_headers; i++)
        headers[i + 1] = (struct web_header){post->headers[i].name, post->headers[i].value};
    const struct web_request request = {
        .method = "POST",
        .url = post->url,
        .body = post->body,
        .headers = headers,
        .n_headers = post->n_headers + 1,
        .timeout_ms = post->timeout_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
        .public_only = !post->may_be_private,
        .forget_answer = true,
    };
    struct web_reply reply;
    enum web_result result = web_call(((struct curl_hook *)hook)->web, &request, arena, &reply);
    ret->status = reply.status;
    ret->took_ms = reply.took_ms;
    return judge(result, &reply, &ret->answer);
}

static void destroy(struct hook *hook) {
    web_destroy(((struct curl_hook *)hook)->web);
    free(hook);
}

struct hook *hook_curl_create(void) {
    static const struct hook_ops ops = {.name = "curl", .post = post, .destroy = destroy};
    struct curl_hook *h = calloc(1, sizeof *h);
    if (!h) abort();
    *h = (struct curl_hook){.base = {&ops}, .web = web_create()};
    return (struct hook *)h;
}
