/*
 * cells: the items of a list, as JSON objects or as lines of CSV (RFC 4180). One function writes an item's members, in
 * whichever form, so that both have the same ones.
 *
 * In CSV a time that there is none of, and an empty text, is an empty cell. A text that a spreadsheet would take for a
 * formula gets an apostrophe before it.
 */
#pragma once

#include "base/buf.h"
#include "core/money.h"

enum cells_form { CELLS_JSON, CELLS_CSV, CELLS_NAMES /* the first line of CSV */ };

struct cells {
    struct buf *out;
    enum cells_form form;
    const char *group; /* that the next members belong to; NULL: none */
    bool is_first;     /* the next member is the first of its object or line */
};

/* Begins an item; cells_end ends it. Between them come its members, always the same ones. Names are literals. */
void cells_begin(struct cells *cells, struct buf *out, enum cells_form form);
void cells_end(struct cells *cells);

/* null when it is empty. */
void cells_text(struct cells *cells, const char *name, struct str value);
/* "" when it is empty. */
void cells_word(struct cells *cells, const char *name, struct str value);
/* null when it is 0. */
void cells_time(struct cells *cells, const char *name, int64_t ms);
void cells_int(struct cells *cells, const char *name, int64_t value);
void cells_bool(struct cells *cells, const char *name, bool value);
/* Dollars. */
void cells_money(struct cells *cells, const char *name, cents amount);
/* Host names; in CSV one cell with a blank between them. */
void cells_texts(struct cells *cells, const char *name, const struct str *values, size_t n);
/* What comes until cells_ungroup is an object of its own; in CSV their names begin with NAME and a '_'. */
void cells_group(struct cells *cells, const char *name);
void cells_ungroup(struct cells *cells);
