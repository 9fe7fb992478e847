/*
 * csv_read: the lines of a CSV text (RFC 4180), also of one that a spreadsheet wrote with semicolons or tabs, with a
 * byte order mark, or with line feeds alone. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct csv {
    struct str rest;
    char separator; /* the one of the first line */
    size_t line;    /* of what comes next, from 1 */
};

struct csv csv_begin(struct str text);
/*
 * The next line that is not empty: its number, its first MAX cells without outer white space, and how many cells it
 * has. A quoted cell may go over several lines. Cells are from ARENA or borrowed. False at the end.
 */
bool csv_next(struct csv *csv, struct arena *arena, struct str *ret_cells, size_t max, size_t *ret_n, size_t *ret_line);
