#include "driver/resolver/resolver.h"

enum outcome resolver_ask(struct resolver *r, struct str name, const char *type, struct arena *arena, struct rrset *ret,
                          struct answer *answer) {
    struct answer unread;
    if (!answer) answer = &unread;
    *answer = (struct answer){0};
    return r->ops->ask(r, name, type, arena, ret, answer);
}

void resolver_destroy(struct resolver *r) {
    if (r && r->ops->destroy) r->ops->destroy(r);
}
