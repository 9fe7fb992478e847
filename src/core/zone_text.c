/* RRsets as lines of text, to be kept. */
#include "base/buf.h"
#include "core/zone.h"

enum { ZONE_TEXT_MAX = 1 << 24, TTL_MAX = 0x7fffffff };

/* Bytes that would break a line, and others that are not printable, as \DDD (RFC 1035 section 5.1). */
static void add_escaped(struct buf *out, struct str value) {
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c < ' ' || c > '~' || c == '\\')
            buf_printf(out, "\\%03u", c);
        else
            buf_add_byte(out, (char)c);
    }
}

struct str rrset_printable(struct str value, struct arena *arena) {
    struct buf out;
    buf_init(&out, ZONE_TEXT_MAX);
    add_escaped(&out, value);
    struct str text = arena_str(arena, buf_str(&out));
    buf_finish(&out);
    return text;
}

struct str zone_write(struct rrsets sets, struct arena *arena) {
    struct buf out;
    buf_init(&out, ZONE_TEXT_MAX);
    for (size_t i = 0; i < sets.n; i++) {
        for (size_t k = 0; k < sets.sets[i].n_data; k++) {
            buf_printf(&out, "%.*s\t%s\t%d\t", STR_ARG(sets.sets[i].name), sets.sets[i].type, sets.sets[i].ttl);
            add_escaped(&out, sets.sets[i].data[k]);
            BUF_LIT(&out, "\n");
        }
    }
    struct str text = arena_str(arena, buf_str(&out));
    buf_finish(&out);
    return text;
}

static bool read_escaped(struct str text, struct arena *arena, struct str *ret) {
    char *to = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int64_t byte;
        if (text.p[i] != '\\') {
            to[n++] = text.p[i];
            continue;
        }
        if (text.n - i < 4 || !str_to_int((struct str){text.p + i + 1, 3}, 0, 255, &byte)) return false;
        to[n++] = (char)byte;
        i += 3;
    }
    *ret = (struct str){to, n};
    return true;
}

/* TEXT has N_LINES lines; each may add its value to an RRset before it. */
static bool read_line(struct str line, size_t n_lines, struct arena *arena, struct rrsets *to) {
    struct str rest, value;
    struct str name = str_cut(line, '\t', &rest), type = str_cut(rest, '\t', &rest);
    struct str ttl = str_cut(rest, '\t', &rest);
    int64_t seconds;
    if (!name.n || !type.n || !str_to_int(ttl, 0, TTL_MAX, &seconds) || !read_escaped(rest, arena, &value))
        return false;
    struct rrset *set = to->n ? &to->sets[to->n - 1] : NULL;
    if (!set || !str_eq(set->name, name) || !str_eq(str_of(set->type), type)) {
        set = &to->sets[to->n++];
        *set = (struct rrset){.name = arena_str(arena, name), .type = arena_cstr(arena, type), .ttl = (int)seconds};
        set->data = ARENA_ARRAY(arena, n_lines, struct str);
    }
    set->data[set->n_data++] = value;
    return set->ttl == (int)seconds;
}

bool zone_read(struct str text, struct arena *arena, struct rrsets *ret, struct error *reterr) {
    size_t n_lines = 0;
    for (size_t i = 0; i < text.n; i++) n_lines += text.p[i] == '\n';
    struct rrsets sets = {ARENA_ARRAY(arena, n_lines, struct rrset), 0};
    for (size_t number = 1; text.n; number++) {
        struct str line = str_cut(text, '\n', &text);
        if (number > n_lines || !read_line(line, n_lines - number + 1, arena, &sets))
            return error_set(reterr, ERR_INTERNAL, "line %zu of the records that were kept cannot be read", number);
    }
    *ret = sets;
    return true;
}
