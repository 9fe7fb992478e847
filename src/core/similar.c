#include "core/similar.h"

#include <string.h>

#include "core/name.h"

/* data/, made part of the program by the build. */
extern const char data_similar_before[], data_similar_after[];
extern const size_t data_similar_before_size, data_similar_after_size;

/* A word is tried joined, and this many words later with a hyphen. */
enum { HYPHEN_LAG = 16 };

bool similar_name(struct str text, struct arena *arena, struct str *ret_name) {
    text = str_trim(text);
    struct str name;
    if (!str_contains(text, ".")) text = arena_printf(arena, "%.*s.com", STR_ARG(text));
    if (!name_host(text, arena, &name)) return false;
    while (name.n && !name_is_registrable(name)) name = name_extension(name);
    if (name.n) *ret_name = name;
    return name.n > 0;
}

static struct str *words_of(struct str list, struct arena *arena, size_t *ret_n) {
    size_t lines = 1, n = 0;
    for (size_t i = 0; i < list.n; i++) lines += list.p[i] == '\n';
    struct str *words = ARENA_ARRAY(arena, lines, struct str);
    while (list.n) {
        struct str comment, word = str_trim(str_cut(str_cut(list, '\n', &list), '#', &comment));
        if (word.n) words[n++] = word;
    }
    *ret_n = n;
    return words;
}

static struct str without_hyphens(struct str text, struct arena *arena) {
    char *to = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '-') to[n++] = text.p[i];
    return (struct str){to, n};
}

static bool ends_with(struct str text, struct str end) {
    return text.n >= end.n && memcmp(text.p + text.n - end.n, end.p, end.n) == 0;
}

static bool begins_with(struct str text, struct str begin) {
    return text.n >= begin.n && memcmp(text.p, begin.p, begin.n) == 0;
}

struct making {
    struct arena *arena;
    struct str label, joined; /* as people read it; the second without hyphens */
    struct str *made;
    size_t n;
};

/* Takes LABEL, in Unicode, if it is valid and new. */
static void add(struct making *m, struct str label) {
    struct str name;
    if (!name_host(arena_printf(m->arena, "%.*s.com", STR_ARG(label)), m->arena, &name)) return;
    label = name_label(name);
    if (!str_is(name_extension(name), "com")) return; /* a character that maps to a dot */
    for (size_t i = 0; i < m->n; i++)
        if (str_eq(m->made[i], label)) return;
    m->made[m->n++] = label;
}

static void add_before(struct making *m, struct str word, bool hyphen) {
    if (begins_with(m->joined, word)) return; /* getacme is not helped by getgetacme */
    add(m,
        arena_printf(m->arena, "%.*s%s%.*s", STR_ARG(word), hyphen ? "-" : "", STR_ARG(hyphen ? m->label : m->joined)));
}

static void add_after(struct making *m, struct str word, bool hyphen) {
    if (ends_with(m->joined, word)) return;
    add(m,
        arena_printf(m->arena, "%.*s%s%.*s", STR_ARG(hyphen ? m->label : m->joined), hyphen ? "-" : "", STR_ARG(word)));
}

void similar_labels(struct str name, struct arena *arena, struct str **ret, size_t *ret_n) {
    size_t n_before, n_after;
    const struct str *before = words_of((struct str){data_similar_before, data_similar_before_size}, arena, &n_before);
    const struct str *after = words_of((struct str){data_similar_after, data_similar_after_size}, arena, &n_after);
    struct making m = {.arena = arena,
                       .label = name_unicode(name_label(name), arena),
                       .made = ARENA_ARRAY(arena, 2 + 2 * (n_before + n_after), struct str)};
    m.joined = without_hyphens(m.label, arena);
    add(&m, m.label);
    add(&m, m.joined);
    size_t longest = n_before > n_after ? n_before : n_after;
    for (size_t i = 0; i < longest + HYPHEN_LAG; i++) {
        if (i < n_before) add_before(&m, before[i], false);
        if (i < n_after) add_after(&m, after[i], false);
        if (i < HYPHEN_LAG) continue;
        if (i - HYPHEN_LAG < n_before) add_before(&m, before[i - HYPHEN_LAG], true);
        if (i - HYPHEN_LAG < n_after) add_after(&m, after[i - HYPHEN_LAG], true);
    }
    *ret = m.made;
    *ret_n = m.n;
}
