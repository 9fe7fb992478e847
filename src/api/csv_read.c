#include "api/csv_read.h"

static char find_separator(struct str text) {
    size_t commas = 0, semicolons = 0, tabs = 0;
    for (size_t i = 0; i < text.n && text.p[i] != '\n'; i++) {
        commas += text.p[i] == ',';
        semicolons += text.p[i] == ';';
        tabs += text.p[i] == '\t';
    }
    if (commas) return ',';
    return tabs > semicolons ? '\t' : ';';
}

struct csv csv_begin(struct str text) {
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = sizeof mark - 1;
    if (str_starts(text, mark)) text = (struct str){text.p + n, text.n - n};
    return (struct csv){.rest = text, .separator = find_separator(text), .line = 1};
}

static void skip(struct csv *csv, size_t n) {
    for (size_t i = 0; i < n; i++) csv->line += csv->rest.p[i] == '\n';
    csv->rest.p += n;
    csv->rest.n -= n;
}

static bool is_end_of_cell(const struct csv *csv, size_t at) {
    return at >= csv->rest.n || csv->rest.p[at] == csv->separator || csv->rest.p[at] == '\n';
}

/* What stands between quotes, two of which stand for one; then whatever follows up to the end of the cell. */
static struct str take_quoted(struct csv *csv, struct arena *arena) {
    struct str rest = csv->rest;
    char *to = arena_alloc(arena, rest.n);
    size_t n = 0, at = 1;
    for (; at < rest.n; at++) {
        bool is_quote = rest.p[at] == '"';
        if (is_quote && (at + 1 >= rest.n || rest.p[at + 1] != '"')) break;
        at += is_quote;
        to[n++] = rest.p[at];
    }
    if (at < rest.n) at++;
    for (; !is_end_of_cell(csv, at); at++) to[n++] = rest.p[at];
    skip(csv, at);
    return (struct str){to, n};
}

static struct str take_plain(struct csv *csv) {
    size_t at = 0;
    while (!is_end_of_cell(csv, at)) at++;
    struct str cell = {csv->rest.p, at};
    skip(csv, at);
    return cell;
}

static bool is_blank(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && text.p[i] != '\r') return false;
    return true;
}

static void skip_blank_lines(struct csv *csv) {
    for (struct str after, line; csv->rest.n; skip(csv, line.n + 1)) {
        line = str_cut(csv->rest, '\n', &after);
        if (!is_blank(line)) return;
        if (line.n == csv->rest.n) {
            skip(csv, line.n);
            return;
        }
    }
}

bool csv_next(struct csv *csv, struct arena *arena, struct str *ret_cells, size_t max, size_t *ret_n,
              size_t *ret_line) {
    skip_blank_lines(csv);
    if (!csv->rest.n) return false;
    *ret_line = csv->line;
    size_t n = 0;
    for (bool more = true; more; n++) {
        struct str cell = csv->rest.n && csv->rest.p[0] == '"' ? take_quoted(csv, arena) : take_plain(csv);
        if (n < max) ret_cells[n] = str_trim(cell);
        more = csv->rest.n && csv->rest.p[0] == csv->separator;
        if (csv->rest.n) skip(csv, 1);
    }
    *ret_n = n;
    return true;
}
