#include "driver/registrar/registrar.h"

enum outcome registrar_check(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                             struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    return r->ops->check(r, names, n, ret_taken, answer);
}

enum outcome registrar_lookup(struct registrar *r, struct str name, struct str key, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    return r->ops->lookup(r, name, key, answer);
}

enum outcome registrar_create(struct registrar *r, const struct registrar_create *job, struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    return r->ops->create(r, job, answer);
}

void registrar_destroy(struct registrar *r) {
    if (r && r->ops->destroy) r->ops->destroy(r);
}
