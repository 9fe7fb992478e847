/*
 * buf: bytes that grow up to a ceiling. The first failure (ceiling, memory) sticks: later appends do nothing,
 * and the one who uses the result checks buf_ok once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
/* Raw bytes: nothing is escaped. */
void buf_add(struct buf *buf, struct str text);
void buf_add_byte(struct buf *buf, char c);
void buf_add_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A JSON string with its quotes (RFC 8259 section 7); TEXT is UTF-8. */
void buf_add_json(struct buf *buf, struct str text);
#define BUF_LIT(buf, literal) buf_add((buf), STR(literal))
/* Makes room for N more bytes; NULL when that fails. The caller then adds to buf->n what it wrote. */
char *buf_reserve(struct buf *buf, size_t n);
