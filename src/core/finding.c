#include "core/finding.h"

#include "core/state.h"

const char *const finding_kind_names[FINDING_KIND_END] = {
    [FINDING_RECORD] = "record", [FINDING_MAILBOX] = "mailbox", [FINDING_UNCLEAR] = "unclear"};

static struct str clean(struct str text, struct arena *arena) {
    char *copy = arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        copy[i] = text.p[i];
        if (c < ' ' || c == 0x7f) copy[i] = ' ';
    }
    return (struct str){copy, text.n};
}

struct str findings_write(const struct finding *findings, size_t n, struct arena *arena) {
    struct str text = STR("");
    for (size_t i = 0; i < n; i++) {
        const struct finding *f = &findings[i];
        text = arena_printf(arena, "%.*s%s\t%.*s\t%.*s\t%.*s\t%.*s\n", STR_ARG(text), finding_kind_names[f->kind],
                            STR_ARG(clean(f->subject, arena)), STR_ARG(clean(f->wanted, arena)),
                            STR_ARG(clean(f->seen, arena)), STR_ARG(clean(f->mend, arena)));
    }
    return text;
}

static size_t count_lines(struct str text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\n';
    return n + (text.n && text.p[text.n - 1] != '\n');
}

void findings_read(struct str text, struct arena *arena, struct finding **ret, size_t *ret_n) {
    struct finding *all = ARENA_ARRAY(arena, count_lines(text), struct finding);
    size_t n = 0;
    while (text.n) {
        struct str line = str_cut(text, '\n', &text);
        struct finding f = {.kind = FINDING_RECORD};
        size_t kind = state_by_name(str_cut(line, '\t', &line), finding_kind_names, FINDING_KIND_END);
        f.subject = str_cut(line, '\t', &line);
        f.wanted = str_cut(line, '\t', &line);
        f.seen = str_cut(line, '\t', &line);
        f.mend = line;
        if (kind == FINDING_KIND_END || !f.subject.n) continue;
        f.kind = (enum finding_kind)kind;
        all[n++] = f;
    }
    *ret = all;
    *ret_n = n;
}

struct str finding_text(const struct finding *f, struct arena *arena) {
    return arena_printf(arena, "%.*s: wanted %.*s, seen %.*s", STR_ARG(f->subject), STR_ARG(f->wanted),
                        STR_ARG(f->seen));
}

static bool is_same(const struct finding *a, const struct finding *b) {
    if (a->kind != b->kind || !str_eq(a->subject, b->subject)) return false;
    return a->kind != FINDING_RECORD || (str_eq(a->wanted, b->wanted) && str_eq(a->seen, b->seen));
}

struct str findings_certain(struct str text, struct arena *arena) {
    struct finding *all;
    size_t n, kept = 0;
    findings_read(text, arena, &all, &n);
    for (size_t i = 0; i < n; i++)
        if (all[i].kind != FINDING_UNCLEAR) all[kept++] = all[i];
    return findings_write(all, kept, arena);
}

static bool is_about(const struct finding *findings, size_t n, struct str subject) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(findings[i].subject, subject)) return true;
    return false;
}

struct str findings_with(struct str found, struct str before, struct arena *arena) {
    struct finding *now, *then;
    size_t n, n_then;
    findings_read(found, arena, &now, &n);
    findings_read(before, arena, &then, &n_then);
    struct finding *all = ARENA_ARRAY(arena, n + n_then, struct finding);
    size_t n_all = 0;
    for (size_t i = 0; i < n; i++) all[n_all++] = now[i];
    for (size_t i = 0; i < n_then; i++)
        if (!is_about(now, n, then[i].subject)) all[n_all++] = then[i];
    return findings_write(all, n_all, arena);
}

bool findings_same(struct str a, struct str b, struct arena *arena) {
    if (str_eq(a, b)) return true;
    struct finding *as, *bs;
    size_t na, nb;
    findings_read(a, arena, &as, &na);
    findings_read(b, arena, &bs, &nb);
    if (na != nb) return false;
    for (size_t i = 0; i < na; i++)
        if (!is_same(&as[i], &bs[i])) return false;
    return true;
}
