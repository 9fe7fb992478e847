#include "table.h"

#include <string.h>
#include <sys/ioctl.h>

#include "base/macros.h"

enum { LAST_COLUMN_MIN = 12 };

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

/* LAST: how long the last column may be. */
static void print_rows(const struct table *table, size_t last, FILE *out) {
    struct str *cells = ARENA_ARRAY(table->arena, table->columns, struct str);
    for (size_t i = 0; i < table->columns; i++) cells[i] = str_of(table->titles[i]);
    print_row(cells, table->widths, table->columns, out);
    for (const struct row *row = table->first; row; row = row->next) {
        memcpy(cells, row->cells, table->columns * sizeof *cells);
        cells[table->columns - 1] = table_cut(cells[table->columns - 1], last, table->arena);
        print_row(cells, table->widths, table->columns, out);
    }
}

void table_print(const struct table *table, FILE *out) {
    print_rows(table, SIZE_MAX, out);
}

void table_print_cut(const struct table *table, FILE *out) {
    size_t before = 0, all = table_terminal_width(out);
    for (size_t i = 0; i + 1 < table->columns; i++) before += table->widths[i] + 2;
    if (!all)
        print_rows(table, SIZE_MAX, out);
    else
        print_rows(table, all < before + LAST_COLUMN_MIN ? LAST_COLUMN_MIN : all - before, out);
}

size_t table_terminal_width(FILE *out) {
    struct winsize size;
    return ioctl(fileno(out), TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

struct str table_cut(struct str text, size_t max, struct arena *arena) {
    static const struct str dots = {"...", 3};
    if (width(text) <= max || max < dots.n) return text;
    size_t bytes = 0;
    for (size_t n = 0; bytes < text.n; bytes++) {
        bool begins = ((unsigned char)text.p[bytes] & 0xc0) != 0x80;
        if (begins && n++ == max - dots.n) break;
    }
    return arena_printf(arena, "%.*s%.*s", (int)bytes, text.p, STR_ARG(dots));
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
