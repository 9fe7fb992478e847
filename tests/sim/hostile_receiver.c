/* The receiver of webhooks: what dfyd told the world. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile_inside.h"

/* What follows NAME in TEXT, up to END (and END at the text's end). */
static struct str part_of(struct str text, const char *name, char end, struct str *ret_rest) {
    size_t n = strlen(name);
    *ret_rest = STR("");
    for (size_t i = 0; i + n <= text.n; i++)
        if (memcmp(text.p + i, name, n) == 0)
            return str_cut((struct str){text.p + i + n, text.n - i - n}, end, ret_rest);
    return STR("");
}

static void be_told(struct hostile *h, const struct hook_post *post) {
    struct str body = arena_str(h->arena, post->body), rest, payload;
    struct hostile_told told = {
        .body = body,
        .type = part_of(body, "\"event_type\":\"", '"', &rest),
        .event_id = part_of(body, "\"event_id\":\"", '"', &rest),
        .domain = part_of(body, "\"domain\":\"", '"', &rest),
        .workspace_id = part_of(body, "\"organization\":\"", '"', &payload),
    };
    told.payload = payload;
    if (told.payload.n && told.payload.p[0] == ',') told.payload.p++, told.payload.n--;
    for (size_t i = 0; i < h->n_told; i++) {
        if (!str_eq(h->told[i].event_id, told.event_id)) continue;
        h->told_otherwise |= !str_eq(h->told[i].body, body);
        return;
    }
    if (h->n_told == TOLD_MAX) {
        fputs("dfyd-sim: too many events\n", stderr);
        abort();
    }
    h->told[h->n_told++] = told;
}

static enum outcome receive(struct hook *hook, const struct hook_post *post, struct hook_answer *ret) {
    struct hostile *h = ((struct hostile_hook *)hook)->hostile;
    if (hostile_is_off(h)) return hostile_no_answer(&ret->answer);
    hostile_wait(h);
    if (hostile_is_off(h)) return hostile_no_answer(&ret->answer);
    enum fate fate = hostile_draw_fate(h, false, false);
    bool comes = fate == FATE_PASS || fate == FATE_ANSWER_LOST || fate == FATE_CUT_AFTER;
    if (comes) be_told(h, post);
    if (fate == FATE_CUT_BEFORE || fate == FATE_CUT_AFTER) crashfs_power_off(h->config.fs);
    struct str rest, type = part_of(post->body, "\"event_type\":\"", '"', &rest);
    history_add(h->config.history, "receiver: %.*s %s%s", STR_ARG(type), comes ? "comes" : "is lost",
                fate == FATE_PASS ? "" : ", no answer");
    return fate == FATE_PASS ? OUTCOME_DONE : hostile_no_answer(&ret->answer);
}

const struct hook_ops hostile_hook_ops = {.name = "hostile", .post = receive};

const struct hostile_told *hostile_told(const struct hostile *h, size_t *ret_n) {
    *ret_n = h->n_told;
    return h->told;
}

bool hostile_told_otherwise(const struct hostile *h) {
    return h->told_otherwise;
}
