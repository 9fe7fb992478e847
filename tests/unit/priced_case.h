/* priced_case: runs the blocks of a case file and compares what quotes say with what stands there. */
#pragma once

#include "order_case.h"

/* Adds what QUOTE, of CHECK, says of KEY, a line for each; false when KEY is not known. */
typedef bool priced_fn(const struct quote *quote, const struct check *check, struct str key, struct buf *out);

static inline bool priced_is_input(struct str key) {
    static const char *const keys[] = {"case",    "order",    "off",   "price", "promotion", "item",
                                       "account", "accounts", "world", "has",   "stock"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (str_is(key, keys[i])) return true;
    return false;
}

/* The values of KEY in the block, one a line. */
static inline void priced_wanted(const struct order_case *c, struct str key, struct buf *out) {
    buf_clear(out);
    for (size_t i = 0; i < c->n_lines; i++) {
        if (!str_eq(c->lines[i].key, key)) continue;
        if (out->n) BUF_LIT(out, "\n");
        buf_add(out, c->lines[i].value);
    }
}

/* Each block of FILE has to hold, and to say something of MUST_SAY. */
static inline void priced_cases(const char *file, const char *must_say, priced_fn *says) {
    struct arena *arena = arena_create(1 << 16);
    struct restricted *restricted = restricted_create_default(NULL, 0);
    struct buf is, want;
    buf_init(&is, 4096);
    buf_init(&want, 4096);
    size_t n;
    const struct case_line *lines = cases_rows(file, arena, &n);
    for (size_t at = 0; at < n;) {
        struct order_case c = order_case_read(&lines[at], restricted, arena);
        const struct check *check = order_case_judge(&c, arena);
        const struct quote quote = order_case_quote(&c, check, arena);
        bool is_said = false;
        for (size_t i = 0; i < c.n_lines; i++) {
            const struct case_line *line = &c.lines[i];
            if (priced_is_input(line->key)) continue;
            is_said = is_said || str_is(line->key, must_say);
            buf_clear(&is);
            if (!says(&quote, check, line->key, &is)) CASE_FAIL(line, "unknown word '%.*s'", STR_ARG(line->key));
            priced_wanted(&c, line->key, &want);
            if (!str_eq(buf_str(&is), buf_str(&want)))
                CASE_FAIL(line, "%.*s is:\n%.*s\nnot:\n%.*s", STR_ARG(line->key), STR_ARG(buf_str(&is)),
                          STR_ARG(buf_str(&want)));
        }
        if (!is_said) CASE_FAIL(c.lines, "say what is %s", must_say);
        at += c.n_lines;
    }
    buf_finish(&is);
    buf_finish(&want);
    restricted_destroy(restricted);
    arena_destroy(arena);
}

/* "name | year | mailboxes a month | domain a month | total" of ITEM, on a line of its own. */
static inline void priced_line(struct buf *out, const struct quote_item *item, struct str name) {
    if (out->n) BUF_LIT(out, "\n");
    buf_add(out, name);
    BUF_LIT(out, " | ");
    money_text(out, item->domain_year);
    BUF_LIT(out, " | ");
    money_text(out, item->accounts_month);
    BUF_LIT(out, " | ");
    if (item->has_domain_month)
        money_text(out, item->domain_month);
    else
        BUF_LIT(out, "none");
    BUF_LIT(out, " | ");
    money_text(out, item->total);
}
