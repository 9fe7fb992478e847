#include "driver/registrar/registrar.h"

#include <pthread.h>

/* Names a thread, and threads a call. */
enum { PART_NAMES = 50, PARTS_MAX = 8 };

enum outcome registrar_check(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                             struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_look(&r->tally, began, r->ops->check(r, names, n, ret_taken, answer), answer->reason);
}

struct part {
    pthread_t thread;
    bool has_thread;
    struct registrar *registrar;
    const struct str *names;
    size_t n;
    bool *taken;
    enum outcome outcome;
    struct answer answer;
};

static void *check_part(void *arg) {
    struct part *part = arg;
    part->outcome = registrar_check(part->registrar, part->names, part->n, part->taken, &part->answer);
    return NULL;
}

enum outcome registrar_check_many(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                                  struct answer *answer) {
    size_t n_parts = (n + PART_NAMES - 1) / PART_NAMES;
    if (n_parts > PARTS_MAX) n_parts = PARTS_MAX;
    if (r->ops->check_is_instant || n_parts < 2) return registrar_check(r, names, n, ret_taken, answer);

    struct part parts[PARTS_MAX];
    for (size_t i = 0; i < n_parts; i++) {
        size_t from = n * i / n_parts, to = n * (i + 1) / n_parts;
        struct part *part = &parts[i];
        *part = (struct part){.registrar = r, .names = names + from, .n = to - from, .taken = ret_taken + from};
        /* The last part, and what gets no thread, is this thread's own. */
        part->has_thread = i + 1 < n_parts && pthread_create(&part->thread, NULL, check_part, part) == 0;
        if (!part->has_thread) check_part(part);
    }
    const struct part *worst = NULL;
    for (size_t i = 0; i < n_parts; i++) {
        if (parts[i].has_thread) pthread_join(parts[i].thread, NULL);
        if (!worst && parts[i].outcome != OUTCOME_DONE) worst = &parts[i];
    }
    if (!worst) return OUTCOME_DONE;
    if (answer) *answer = worst->answer;
    return worst->outcome;
}

enum outcome registrar_lookup(struct registrar *r, struct str name, struct str key, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_look(&r->tally, began, r->ops->lookup(r, name, key, answer), answer->reason);
}

enum outcome registrar_create(struct registrar *r, const struct registrar_create *job, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_act(&r->tally, began, r->ops->create(r, job, answer), answer->reason);
}

enum outcome registrar_renew(struct registrar *r, const struct registrar_renew *job, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    int64_t began = tally_begin();
    return tally_act(&r->tally, began, r->ops->renew(r, job, answer), answer->reason);
}

void registrar_destroy(struct registrar *r) {
    if (r && r->ops->destroy) r->ops->destroy(r);
}
