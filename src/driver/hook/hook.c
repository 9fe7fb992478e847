#include "driver/hook/hook.h"

enum outcome hook_post(struct hook *h, const struct hook_post *post, struct hook_answer *ret) {
    *ret = (struct hook_answer){0};
    return h->ops->post(h, post, ret);
}

void hook_destroy(struct hook *h) {
    if (h && h->ops->destroy) h->ops->destroy(h);
}
