#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 4096 };

static void grow(struct bytes *bytes, size_t n) {
    size_t cap = bytes->cap ? bytes->cap : FIRST_CAP;
    while (cap < n) cap *= 2;
    unsigned char *p = realloc(bytes->p, cap);
    if (!p) {
        fputs("dfyd-sim: out of memory\n", stderr);
        abort();
    }
    bytes->p = p;
    bytes->cap = cap;
}

void bytes_resize(struct bytes *bytes, size_t n) {
    if (n > bytes->cap) grow(bytes, n);
    if (n > bytes->n) memset(bytes->p + bytes->n, 0, n - bytes->n);
    bytes->n = n;
}

void bytes_put(struct bytes *bytes, size_t at, const void *from, size_t n) {
    if (n == 0) return;
    if (at + n > bytes->n) bytes_resize(bytes, at + n);
    memcpy(bytes->p + at, from, n);
}

void bytes_copy(struct bytes *to, const struct bytes *from) {
    to->n = 0;
    bytes_put(to, 0, from->p, from->n);
}

void bytes_free(struct bytes *bytes) {
    free(bytes->p);
    *bytes = (struct bytes){0};
}
