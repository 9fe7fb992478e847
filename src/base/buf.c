#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max) {
    *buf = (struct buf){.max = max};
}

void buf_finish(struct buf *buf) {
    free(buf->p);
    buf_init(buf, buf->max);
}

bool buf_ok(const struct buf *buf) {
    return !buf->failed;
}

struct str buf_str(const struct buf *buf) {
    return buf->n ? (struct str){buf->p, buf->n} : STR("");
}

void buf_clear(struct buf *buf) {
    buf->n = 0;
    buf->failed = false;
}

char *buf_grow(struct buf *buf, size_t n) {
    if (buf->failed) return NULL;
    if (n > buf->max - buf->n) {
        buf->failed = true;
        return NULL;
    }
    size_t cap = buf->cap ? buf->cap : 256;
    while (cap < buf->n + n) cap *= 2;
    if (cap > buf->max) cap = buf->max;
    char *p = realloc(buf->p, cap);
    if (!p) {
        buf->failed = true;
        return NULL;
    }
    buf->p = p;
    buf->cap = cap;
    return p + buf->n;
}

void buf_add_int(struct buf *buf, int64_t value) {
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    size_t n = value < 0 ? 2 : 1;
    for (uint64_t rest = size; rest >= 10; rest /= 10) n++;
    char *to = buf_reserve(buf, n);
    if (!to) return;
    buf->n += n;
    if (value < 0) *to = '-';
    do to[--n] = (char)('0' + size % 10);
    while (size /= 10);
}

void buf_printf(struct buf *buf, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *to = n < 0 ? NULL : buf_reserve(buf, (size_t)n + 1);
    if (to) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        buf->n += (size_t)n;
    } else {
        buf->failed = true;
    }
    va_end(again);
}

/* What follows the backslash for each byte below 0x60: a letter, 'u' for \u00XX, or 0 when no escape is needed. */
static const char escape[256] = {
    [0] = 'u',  [1] = 'u',    [2] = 'u',    [3] = 'u',    [4] = 'u',   [5] = 'u',     [6] = 'u',
    [7] = 'u',  ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [11] = 'u',  ['\f'] = 'f',  ['\r'] = 'r',
    [14] = 'u', [15] = 'u',   [16] = 'u',   [17] = 'u',   [18] = 'u',  [19] = 'u',    [20] = 'u',
    [21] = 'u', [22] = 'u',   [23] = 'u',   [24] = 'u',   [25] = 'u',  [26] = 'u',    [27] = 'u',
    [28] = 'u', [29] = 'u',   [30] = 'u',   [31] = 'u',   ['"'] = '"', ['\\'] = '\\',
};

static size_t plain_bytes(struct str text) {
    size_t n = 0;
    while (n < text.n && !escape[(unsigned char)text.p[n]]) n++;
    return n;
}

/* What comes most: nothing to escape. */
static void add_plain_json(struct buf *buf, struct str text) {
    char *to = buf_reserve(buf, text.n + 2);
    if (!to) return;
    to[0] = '"';
    if (text.n) memcpy(to + 1, text.p, text.n);
    to[text.n + 1] = '"';
    buf->n += text.n + 2;
}

void buf_add_json(struct buf *buf, struct str text) {
    size_t n = plain_bytes(text);
    if (n == text.n) {
        add_plain_json(buf, text);
        return;
    }
    buf_add_byte(buf, '"');
    for (;; n = plain_bytes(text)) {
        buf_add(buf, (struct str){text.p, n});
        if (n == text.n) break;
        unsigned char c = (unsigned char)text.p[n];
        if (escape[c] == 'u')
            buf_printf(buf, "\\u%04x", c);
        else
            buf_add(buf, (struct str){(const char[]){'\\', escape[c]}, 2});
        text = (struct str){text.p + n + 1, text.n - n - 1};
    }
    buf_add_byte(buf, '"');
}
