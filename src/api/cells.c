#include "api/cells.h"

#include "base/clock.h"

void cells_begin(struct cells *cells, struct buf *out, enum cells_form form) {
    *cells = (struct cells){.out = out, .form = form, .is_first = true};
    if (form == CELLS_JSON) BUF_LIT(out, "{");
}

void cells_end(struct cells *cells) {
    if (cells->form == CELLS_JSON)
        BUF_LIT(cells->out, "}");
    else
        BUF_LIT(cells->out, "\r\n");
}

/* What stands before a member's value; false when there is none to write. */
static bool begin_member(struct cells *cells, const char *name) {
    struct buf *out = cells->out;
    if (!cells->is_first) BUF_LIT(out, ",");
    cells->is_first = false;
    if (cells->form == CELLS_JSON) buf_printf(out, "\"%s\":", name);
    if (cells->form != CELLS_NAMES) return true;
    if (cells->group) buf_printf(out, "%s_", cells->group);
    buf_printf(out, "%s", name);
    return false;
}

/* Whether a spreadsheet would work it out instead of showing it. */
static bool is_formula(struct str text) {
    return text.n && (text.p[0] == '=' || text.p[0] == '+' || text.p[0] == '-' || text.p[0] == '@' ||
                      text.p[0] == '\t' || text.p[0] == '\r');
}

static bool needs_quotes(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '"' || text.p[i] == ',' || text.p[i] == '\r' || text.p[i] == '\n') return true;
    return false;
}

static void add_cell(struct buf *out, struct str text) {
    bool has_quotes = needs_quotes(text);
    if (has_quotes) BUF_LIT(out, "\"");
    if (is_formula(text)) BUF_LIT(out, "'");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"') BUF_LIT(out, "\"");
        buf_add_byte(out, text.p[i]);
    }
    if (has_quotes) BUF_LIT(out, "\"");
}

void cells_word(struct cells *cells, const char *name, struct str value) {
    if (!begin_member(cells, name)) return;
    if (cells->form == CELLS_JSON)
        buf_add_json(cells->out, value);
    else
        add_cell(cells->out, value);
}

void cells_text(struct cells *cells, const char *name, struct str value) {
    if (value.n || cells->form != CELLS_JSON)
        cells_word(cells, name, value);
    else if (begin_member(cells, name))
        BUF_LIT(cells->out, "null");
}

void cells_time(struct cells *cells, const char *name, int64_t ms) {
    char text[TIME_TEXT] = "";
    if (ms) time_format(ms, text);
    cells_text(cells, name, str_of(text));
}

void cells_int(struct cells *cells, const char *name, int64_t value) {
    if (begin_member(cells, name)) buf_add_int(cells->out, value);
}

void cells_bool(struct cells *cells, const char *name, bool value) {
    if (begin_member(cells, name)) buf_add(cells->out, value ? STR("true") : STR("false"));
}

void cells_money(struct cells *cells, const char *name, cents amount) {
    if (begin_member(cells, name)) money_json(cells->out, amount);
}

static void add_list(struct buf *out, const struct str *values, size_t n) {
    BUF_LIT(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) BUF_LIT(out, ",");
        buf_add_json(out, values[i]);
    }
    BUF_LIT(out, "]");
}

void cells_texts(struct cells *cells, const char *name, const struct str *values, size_t n) {
    if (!begin_member(cells, name)) return;
    if (cells->form == CELLS_JSON) {
        add_list(cells->out, values, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (i) BUF_LIT(cells->out, " ");
        add_cell(cells->out, values[i]);
    }
}

void cells_group(struct cells *cells, const char *name) {
    if (cells->form == CELLS_JSON) {
        (void)begin_member(cells, name);
        BUF_LIT(cells->out, "{");
        cells->is_first = true;
    }
    cells->group = name;
}

void cells_ungroup(struct cells *cells) {
    if (cells->form == CELLS_JSON) BUF_LIT(cells->out, "}");
    cells->group = NULL;
    cells->is_first = false;
}
