/*
 * str: a borrowed piece of text with its length. Never owns, never ends in NUL by promise, may hold any byte.
 * The bytes belong to whoever made them; most come from an arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p

/* These four are inline so that the length of a literal is known where it is compared. */
/* Text of a C string; NULL gives the empty text. */
static inline struct str str_of(const char *text) {
    return text ? (struct str){text, strlen(text)} : STR("");
}

static inline bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *text) {
    return str_eq(a, str_of(text));
}

static inline bool str_starts(struct str a, const char *prefix) {
    size_t n = strlen(prefix);
    return a.n >= n && memcmp(a.p, prefix, n) == 0;
}

/* Byte order, shorter first among equals; usable for sorting. */
int str_cmp(struct str a, struct str b);
bool str_contains(struct str a, const char *part);
/* Without the ASCII white space at both ends. */
struct str str_trim(struct str a);
/* Splits at the first SEP: *rest gets what follows (empty when there is none), the part before is returned. */
struct str str_cut(struct str a, char sep, struct str *ret_rest);
/* Decimal integer within [min, max]; false, and *ret untouched, for anything else. */
MUST_CHECK bool str_to_int(struct str a, int64_t min, int64_t max, int64_t *ret);
/* 64-bit FNV-1a, for hash tables only. */
uint64_t str_hash(struct str a);
