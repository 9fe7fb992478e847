/*
 * table: rows of text with aligned columns, for terminals and for grep. Control characters are shown as '?', so that
 * no text from a client or a driver can steer the terminal.
 */
#pragma once

#include <stdio.h>

#include "base/arena.h"

struct table;

/* TITLES: one a column, ended by NULL, living as long as the table. Everything is from ARENA. */
struct table *table_create(struct arena *arena, const char *const *titles);
/* CELLS: one a column, borrowed; an empty one is shown as "-". */
void table_add(struct table *table, const struct str *cells);
/* The titles and all rows; nothing is added behind the last column. */
void table_print(const struct table *table, FILE *out);
/* As above; when OUT is a terminal, the last column is cut so that rows fit its width, to no less than 12 characters.
 */
void table_print_cut(const struct table *table, FILE *out);
/* Characters that fit a line of the terminal OUT; 0 when it is none, or does not say. */
size_t table_terminal_width(FILE *out);
/* At most MAX characters of UTF-8 text, the last three of them dots when something was cut. */
struct str table_cut(struct str text, size_t max, struct arena *arena);
/* "name: value" with the values aligned: PAIRS of texts, 2 * N of them. */
void table_print_pairs(const struct str *pairs, size_t n, FILE *out);
