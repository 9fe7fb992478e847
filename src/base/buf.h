/*
 * buf: bytes that grow up to a ceiling. The first failure (ceiling, memory) sticks: later appends do nothing,
 * and the one who uses the result checks buf_ok once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap, max;
    bool failed;
};

/* MAX: the most bytes it may ever hold. Allocates nothing yet. */
void buf_init(struct buf *buf, size_t max);
/* Frees the bytes; the buffer is as after buf_init. */
void buf_finish(struct buf *buf);
bool buf_ok(const struct buf *buf);
struct str buf_str(const struct buf *buf);
/* Empties it and forgets a failure; keeps the memory. */
void buf_clear(struct buf *buf);
/* For buf_reserve, when there is no room yet. */
char *buf_grow(struct buf *buf, size_t n);

/*
 * Makes room for N more bytes; NULL when that fails. The caller then adds to buf->n what it wrote. Inline with those
 * below, as an answer is made of hundreds of pieces.
 */
__attribute__((always_inline)) static inline char *buf_reserve(struct buf *buf, size_t n) {
    bool fits = !buf->failed && n <= buf->cap - buf->n;
    return fits ? buf->p + buf->n : buf_grow(buf, n);
}

/* Raw bytes: nothing is escaped. */
__attribute__((always_inline)) static inline void buf_add(struct buf *buf, struct str text) {
    if (!text.n) return;
    char *to = buf_reserve(buf, text.n);
    if (!to) return;
    memcpy(to, text.p, text.n);
    buf->n += text.n;
}

static inline void buf_add_byte(struct buf *buf, char c) {
    buf_add(buf, (struct str){&c, 1});
}

void buf_add_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A JSON string with its quotes (RFC 8259 section 7); TEXT is UTF-8. */
void buf_add_json(struct buf *buf, struct str text);
#define BUF_LIT(buf, literal) buf_add((buf), STR(literal))
