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

char *buf_reserve(struct buf *buf, size_t n) {
    if (buf->failed) return NULL;
    if (n <= buf->cap - buf->n) return buf->p + buf->n;
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

void buf_add(struct buf *buf, struct str text) {
    if (!text.n) return;
    char *to = buf_reserve(buf, text.n);
    if (!to) return;
    memcpy(to, text.p, text.n);
    buf->n += text.n;
}

void buf_add_byte(struct buf *buf, char c) {
    buf_add(buf, (struct str){&c, 1});
}

void buf_add_int(struct buf *buf, int64_t value) {
    char digits[21];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0) digits[--at] = '-';
    buf_add(buf, (struct str){digits + at, sizeof digits - at});
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

void buf_add_json(struct buf *buf, struct str text) {
    buf_add_byte(buf, '"');
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        char e = escape[c];
        if (!e) continue;
        buf_add(buf, (struct str){text.p + from, i - from});
        from = i + 1;
        if (e == 'u')
            buf_printf(buf, "\\u%04x", c);
        else
            buf_add(buf, (struct str){(const char[]){'\\', e}, 2});
    }
    if (from < text.n) buf_add(buf, (struct str){text.p + from, text.n - from});
    buf_add_byte(buf, '"');
}
