/* Sessions that are open when a mailbox ends, through the HTTP interface of Dovecot's doveadm. */
#include <string.h>

#include "base/buf.h"
#include "driver/mailbox/mailhost/mailhost_inside.h"
#include "driver/web/json.h"

enum { TIMEOUT_MS = 5000, ANSWER_MAX_BYTES = 1 << 20, BODY_MAX_BYTES = 4096, NO_SUCH_USER = 68 /* EX_NOHOST */ };

/* Both in one call. By default Dovecot remembers no logins, and then there is nothing to forget. */
static void write_commands(struct buf *body, struct str email) {
    BUF_LIT(body, "[[\"authCacheFlush\",{\"user\":[");
    buf_add_json(body, email);
    BUF_LIT(body, "]},\"cache\"],[\"kick\",{\"mask\":[");
    buf_add_json(body, email);
    /* With force also out of a process that serves others, who connect again. */
    BUF_LIT(body, "],\"force\":true},\"sessions\"]]");
}

/* Each command is answered by [word, what it says, tag]. */
static enum outcome read_entry(yyjson_val *entry, struct answer *answer) {
    const char *word = yyjson_get_str(yyjson_arr_get(entry, 0));
    yyjson_val *said = yyjson_arr_get(entry, 1);
    const char *of = yyjson_get_str(yyjson_arr_get(entry, 2));
    if (!word || !of) return answer_set(answer, OUTCOME_UNKNOWN, "doveadm's answer is none");
    if (!strcmp(word, "doveadmResponse")) return OUTCOME_DONE;
    const char *type = yyjson_get_str(yyjson_obj_get(said, "type"));
    int64_t code = yyjson_get_sint(yyjson_obj_get(said, "exitCode"));
    if (!strcmp(of, "sessions") && type && !strcmp(type, "exitCode") && code == NO_SUCH_USER) return OUTCOME_DONE;
    return answer_set(answer, OUTCOME_UNKNOWN, "doveadm answered %.40s (%lld); its log says more",
                      type ? type : "an error", (long long)code);
}

static enum outcome read_answer(struct str body, struct arena *arena, struct answer *answer) {
    yyjson_val *root = web_json(body, arena), *entry;
    enum outcome outcome = OUTCOME_DONE;
    if (!yyjson_is_arr(root) || yyjson_arr_size(root) != 2)
        outcome = answer_set(answer, OUTCOME_UNKNOWN, "doveadm's answer is none; is it Dovecot that listens there?");
    size_t i, n;
    yyjson_arr_foreach(root, i, n, entry) {
        if (outcome == OUTCOME_DONE) outcome = read_entry(entry, answer);
    }
    return outcome;
}

enum outcome mailhost_end_sessions(struct mailhost *host, struct str email, struct answer *answer) {
    if (!host->config.doveadm_url) return OUTCOME_DONE;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    CLEANUP(buf_finish) struct buf body;
    buf_init(&body, BODY_MAX_BYTES);
    write_commands(&body, email);
    const struct web_header headers[] = {
        {STR("Authorization"), str_of(host->doveadm_authorization)},
        {STR("Content-Type"), STR("application/json")},
    };
    struct web_request request = {
        .method = "POST",
        .url = arena_printf(arena, "%s/doveadm/v1", host->config.doveadm_url),
        .body = buf_str(&body),
        .headers = headers,
        .n_headers = ARRAY_LEN(headers),
        .timeout_ms = TIMEOUT_MS,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    struct web_reply reply;
    struct answer why = {0};
    enum web_result result = web_call(host->web, &request, arena, &reply);
    if (result != WEB_ANSWERED)
        answer_set(&why, OUTCOME_UNKNOWN, "doveadm %s",
                   result == WEB_TOO_LONG ? "says too much" : "does not answer; is Dovecot up?");
    else if (reply.status == 401)
        answer_set(&why, OUTCOME_UNKNOWN, "doveadm does not take the key of mailhost_doveadm_key_file");
    else if (reply.status != 200)
        answer_set(&why, OUTCOME_UNKNOWN, "doveadm answered %d", reply.status);
    else if (read_answer(reply.body, arena, &why) == OUTCOME_DONE)
        return OUTCOME_DONE;
    return answer_set(answer, OUTCOME_UNKNOWN, "it cannot log in any more; sessions that are open go on: %s",
                      why.reason);
}
