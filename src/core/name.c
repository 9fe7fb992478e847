#include "core/name.h"

#include <idn2.h>
#include <libpsl.h>
#include <string.h>

/* More UTF-8 than this never maps to a name of NAME_MAX_BYTES that anyone means; bounds the work on hostile text. */
enum { TEXT_MAX_BYTES = 1024 };

/* What a byte becomes in a host name: itself, its lower case, or 0 when it cannot stand there. */
static const char host_byte[256] = {
    ['-'] = '-', ['.'] = '.', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd',
    ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l',
    ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
    ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b',
    ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
    ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
    ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
};

static bool is_a_label(struct str label) {
    return str_starts(label, "xn--");
}

/*
 * Lower-case label. Hyphens in the third and fourth place are reserved (RFC 5890 section 2.3.1): only "xn--" has a
 * meaning, and registries sell no other.
 */
static bool label_is_valid(struct str label) {
    if (!label.n || label.n > LABEL_MAX_BYTES || label.p[0] == '-' || label.p[label.n - 1] == '-') return false;
    return label.n < 4 || label.p[2] != '-' || label.p[3] != '-' || is_a_label(label);
}

/* Decimal or 0x: what resolvers and browsers read as the end of an IPv4 address. */
static bool label_is_number(struct str label) {
    bool hex = str_starts(label, "0x");
    for (size_t i = hex ? 2 : 0; i < label.n; i++) {
        char c = label.p[i];
        if (!((c >= '0' && c <= '9') || (hex && c >= 'a' && c <= 'f'))) return false;
    }
    return true;
}

enum kind { KIND_BAD, KIND_HOST, KIND_NEEDS_IDNA };

/* Judges lower-case ASCII without final dot. KIND_NEEDS_IDNA: fine, but an A-label in it must still be proved. */
static enum kind judge_labels(struct str name) {
    if (!name.n || name.n > NAME_MAX_BYTES) return KIND_BAD;
    enum kind kind = KIND_HOST;
    size_t from = 0, n_labels = 0;
    struct str label = STR("");
    while (from <= name.n) {
        const char *dot = memchr(name.p + from, '.', name.n - from);
        size_t end = dot ? (size_t)(dot - name.p) : name.n;
        label = (struct str){name.p + from, end - from};
        if (!label_is_valid(label)) return KIND_BAD;
        if (is_a_label(label)) kind = KIND_NEEDS_IDNA;
        n_labels++;
        from = end + 1;
    }
    return n_labels < 2 || label_is_number(label) ? KIND_BAD : kind;
}

static struct str without_final_dot(struct str text) {
    if (text.n && text.p[text.n - 1] == '.') text.n--;
    return text;
}

static bool is_clean(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (host_byte[(unsigned char)name.p[i]] != name.p[i]) return false;
    return judge_labels(name) != KIND_BAD;
}

/* Whether what people read of A-label NAME leads back to it: libidn2 lets some codes of unmapped characters pass. */
static bool reads_back(const char *name) {
    char *unicode = NULL, *again = NULL;
    bool ok = idn2_to_unicode_8z8z(name, &unicode, 0) == IDN2_OK &&
              idn2_to_ascii_8z(unicode, &again, IDN2_NONTRANSITIONAL) == IDN2_OK && strcmp(name, again) == 0;
    idn2_free(unicode);
    idn2_free(again);
    return ok;
}

static bool map_by_idna(struct str text, struct arena *arena, struct str *ret) {
    char *mapped = NULL;
    /*
     * Without IDN2_USE_STD3_ASCII_RULES: that flag drops forbidden characters ("a_b.com" would pass as "ab.com").
     * Without it they stay in the result, where they are seen and refused.
     */
    if (idn2_to_ascii_8z(arena_cstr(arena, text), &mapped, IDN2_NONTRANSITIONAL) != IDN2_OK) return false;
    struct str name = without_final_dot(str_of(mapped));
    bool ok = is_clean(name) && reads_back(mapped);
    if (ok) *ret = arena_str(arena, name);
    idn2_free(mapped);
    return ok;
}

bool name_host(struct str text, struct arena *arena, struct str *ret) {
    if (!text.n || text.n > TEXT_MAX_BYTES) return false;
    char *lower = arena_alloc(arena, text.n + 1);
    bool ascii = true;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        lower[i] = host_byte[c];
        if (lower[i]) continue;
        if (c < 0x80) return false;
        ascii = false;
    }
    if (!ascii) return map_by_idna(text, arena, ret);

    struct str name = without_final_dot((struct str){lower, text.n});
    enum kind kind = judge_labels(name);
    if (kind == KIND_BAD) return false;
    if (kind == KIND_NEEDS_IDNA) return map_by_idna(name, arena, ret);
    *ret = name;
    return true;
}

struct str name_extension(struct str name) {
    struct str rest;
    (void)str_cut(name, '.', &rest);
    return rest;
}

struct str name_label(struct str name) {
    struct str rest;
    return str_cut(name, '.', &rest);
}

/* NAME must end in NUL. Only what registries run (the list's ICANN part); a top level that is not listed has none. */
static bool is_public_suffix(const char *name) {
    return psl_is_public_suffix2(psl_builtin(), name, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) != 0;
}

bool name_is_registrable(struct str name) {
    struct str extension = name_extension(name);
    if (!extension.n || name.n > NAME_MAX_BYTES) return false;
    /* These registries sell directly below themselves and nowhere else; a test holds this against the list. */
    if (str_is(extension, "com") || str_is(extension, "org") || str_is(extension, "net")) return true;

    char text[NAME_MAX_BYTES + 1];
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return is_public_suffix(text + (name.n - extension.n)) && !is_public_suffix(text);
}

struct str name_organization(struct str name) {
    if (!name.n || name.n > NAME_MAX_BYTES) return STR("");
    char text[NAME_MAX_BYTES + 1];
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    const char *part = psl_registrable_domain(psl_builtin(), text);
    return part ? (struct str){name.p + (part - text), name.n - (size_t)(part - text)} : STR("");
}

struct str name_unicode(struct str name, struct arena *arena) {
    if (!str_contains(name, "xn--")) return name;
    char *unicode = NULL;
    if (idn2_to_unicode_8z8z(arena_cstr(arena, name), &unicode, 0) != IDN2_OK) return name;
    struct str ret = arena_str(arena, str_of(unicode));
    idn2_free(unicode);
    return ret;
}
