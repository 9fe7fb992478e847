#include "table.h"

#include <string.h>

#include "base/macros.h"

struct row {
    struct row *next;
    const struct str *cells;
};

struct table {
    struct arena *arena;
    const char *const *titles;
    size_t columns;
    size_t *widths;
    struct row *first, **last;
};

/* Characters of UTF-8 text: its bytes but the continuation bytes. */
static size_t width(struct str text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

static void print_cell(struct str text, FILE *out) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        /* U+0080 to U+009F, written 0xc2 0x80 to 0xc2 0x9f, are control characters too. */
        bool c1 = c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0;
        if (c1) i++;
        fputc(c1 || c < ' ' || c == 0x7f ? '?' : (int)c, out);
    }
}

static void print_row(const struct str *cells, const size_t *widths, size_t columns, FILE *out) {
    for (size_t i = 0; i < columns; i++) {
        print_cell(cells[i], out);
        if (i + 1 == columns) break;
        for (size_t at = width(cells[i]); at < widths[i] + 2; at++) fputc(' ', out);
    }
    fputc('\n', out);
}

struct table *table_create(struct arena *arena, const char *const *titles) {
    struct table *table = ARENA_NEW(arena, struct table);
    *table = (struct table){.arena = arena, .titles = titles};
    while (titles[table->columns]) table->columns++;
    table->widths = ARENA_ARRAY(arena, table->columns, size_t);
    for (size_t i = 0; i < table->columns; i++) table->widths[i] = strlen(titles[i]);
    table->last = &table->first;
    return table;
}

void table_add(struct table *table, const struct str *cells) {
    struct str *copy = ARENA_ARRAY(table->arena, table->columns, struct str);
    for (size_t i = 0; i < table->columns; i++) {
        copy[i] = cells[i].n ? cells[i] : STR("-");
        size_t w = width(copy[i]);
        if (w > table->widths[i]) table->widths[i] = w;
    }
    struct row *row = ARENA_NEW(table->arena, struct row);
    row->cells = copy;
    *table->last = row;
    table->last = &row->next;
}

void table_print(const struct table *table, FILE *out) {
    struct str *titles = ARENA_ARRAY(table->arena, table->columns, struct str);
    for (size_t i = 0; i < table->columns; i++) titles[i] = str_of(table->titles[i]);
    print_row(titles, table->widths, table->columns, out);
    for (const struct row *row = table->first; row; row = row->next)
        print_row(row->cells, table->widths, table->columns, out);
}

void table_print_pairs(const struct str *pairs, size_t n, FILE *out) {
    size_t widest = 0;
    for (size_t i = 0; i < n; i++)
        if (width(pairs[2 * i]) > widest) widest = width(pairs[2 * i]);
    for (size_t i = 0; i < n; i++) {
        struct str value = pairs[2 * i + 1];
        print_row((const struct str[]){pairs[2 * i], value.n ? value : STR("-")}, &widest, 2, out);
    }
}
