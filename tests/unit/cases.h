/*
 * cases: reads tests/unit/cases/NAME, so that cases can be read and added without knowing C.
 *
 * A file is blocks between empty lines; a block is lines "key: value"; '#' at the start of a line is a comment. In a
 * table file, cases_rows gives each line as cells between '|' instead. In values, cases_text reads \xHH as one byte.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"

enum { CASE_CELLS = 8 };

struct case_line {
    int number; /* in the file, for messages */
    struct str key, value;
    struct str cells[CASE_CELLS]; /* trimmed; of cases_rows only */
    size_t n_cells;
    bool ends_block;
};

/* Says where and what, and fails the test. */
#define CASE_FAIL(line, ...)                                                                                           \
    do {                                                                                                               \
        print_error("line %d: ", (line)->number);                                                                      \
        print_error(__VA_ARGS__);                                                                                      \
        print_error("\n");                                                                                             \
        fail();                                                                                                        \
    } while (0)

static inline struct str cases_read(const char *file, struct arena *arena) {
    const char *folder = getenv("CASES");
    if (!folder) fail_msg("set CASES to the folder tests/unit/cases");
    struct str path = arena_printf(arena, "%s/%s", folder, file);
    FILE *f = fopen(path.p, "rb");
    if (!f) fail_msg("cannot open %s", path.p);
    enum { SIZE_LIMIT = 1 << 18 };
    char *text = arena_alloc(arena, SIZE_LIMIT);
    size_t n = fread(text, 1, SIZE_LIMIT, f);
    fclose(f);
    if (n == SIZE_LIMIT) fail_msg("%s is larger than this reader takes", path.p);
    return (struct str){text, n};
}

/* The lines that are not comments; empty ones only mark the end of a block. */
static inline struct case_line *cases_rows(const char *file, struct arena *arena, size_t *ret_n) {
    struct str text = cases_read(file, arena);
    size_t n_lines = 1, n = 0;
    for (size_t i = 0; i < text.n; i++) n_lines += text.p[i] == '\n';
    struct case_line *lines = ARENA_ARRAY(arena, n_lines, struct case_line);
    for (int number = 1; text.n; number++) {
        struct str raw = str_trim(str_cut(text, '\n', &text));
        if (!raw.n && n) lines[n - 1].ends_block = true;
        if (!raw.n || raw.p[0] == '#') continue;
        struct case_line *line = &lines[n++];
        line->number = number;
        struct str rest = raw;
        while (rest.n && line->n_cells < CASE_CELLS) line->cells[line->n_cells++] = str_trim(str_cut(rest, '|', &rest));
        line->key = str_trim(str_cut(raw, ':', &rest));
        line->value = str_trim(rest);
    }
    if (!n) fail_msg("%s has no cases", file);
    lines[n - 1].ends_block = true;
    *ret_n = n;
    return lines;
}

static inline int cases_hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

/* VALUE with \xHH read as bytes; "\e" is the empty text. */
static inline struct str cases_text(struct str value, struct arena *arena) {
    char *to = arena_alloc(arena, value.n + 1);
    size_t n = 0;
    if (str_is(value, "\\e")) return STR("");
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\\' && i + 3 < value.n && value.p[i + 1] == 'x') {
            to[n++] = (char)(cases_hex(value.p[i + 2]) * 16 + cases_hex(value.p[i + 3]));
            i += 3;
        } else {
            to[n++] = value.p[i];
        }
    }
    return (struct str){to, n};
}
