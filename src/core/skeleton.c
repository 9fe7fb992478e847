#include "core/skeleton.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "core/name.h"

enum { LETTERS = 26, PART_MAX = 8, VARIANTS_MAX = 64, FIRST_SIGNS = 256 };

/* A character beyond ASCII and the letters it looks like. */
struct sign {
    uint32_t code;
    char text[3];
};

/* What LETTER is written as, in ASCII: "rn", or a digit that also looks like another letter. */
struct part {
    char letter;
    struct str as;
};

struct lookalikes {
    unsigned char classes[256];
    size_t n_classes;
    char letter_of[256]; /* of digits that look like one letter: it; of letters and other digits: themselves; else 0 */
    struct sign *signs;  /* sorted by code */
    size_t n_signs, cap_signs;
    struct part parts[LETTERS * PART_MAX];
    size_t n_parts;
};

/* ---- the table ---- */

/* The first character of *TEXT, which is UTF-8 that the program came with; cut off. */
static uint32_t cut_code(struct str *text) {
    const unsigned char *p = (const unsigned char *)text->p;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n > text->n) n = text->n;
    uint32_t code = n == 1 ? p[0] : p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) code = code << 6 | (p[i] & 0x3fU);
    *text = (struct str){text->p + n, text->n - n};
    return code;
}

static void add_sign(struct lookalikes *l, uint32_t code, struct str letters, struct arena *arena) {
    if (l->n_signs == l->cap_signs) {
        size_t cap = l->cap_signs ? l->cap_signs * 2 : FIRST_SIGNS;
        struct sign *signs = ARENA_ARRAY(arena, cap, struct sign);
        if (l->n_signs) memcpy(signs, l->signs, l->n_signs * sizeof *signs);
        l->signs = signs;
        l->cap_signs = cap;
    }
    struct sign *sign = &l->signs[l->n_signs++];
    *sign = (struct sign){.code = code};
    memcpy(sign->text, letters.p, letters.n < 2 ? letters.n : 2);
}

static void add_part(struct lookalikes *l, char letter, struct str as, struct arena *arena) {
    if (l->n_parts < ARRAY_LEN(l->parts)) l->parts[l->n_parts++] = (struct part){letter, arena_str(arena, as)};
}

static bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_part(const struct lookalikes *l, struct str text) {
    for (size_t i = 0; i < l->n_parts; i++)
        if (str_eq(l->parts[i].as, text)) return true;
    return false;
}

/* What a digit in a line of LETTER means: the first line makes it that letter, another makes it stand for itself. */
static void add_digit(struct lookalikes *l, char letter, struct str digit, struct arena *arena) {
    char *is = &l->letter_of[(unsigned char)digit.p[0]];
    bool is_first = !is_letter(*is) && !is_part(l, digit);
    if (is_first) {
        *is = letter;
        return;
    }
    if (is_letter(*is)) add_part(l, *is, digit, arena);
    *is = digit.p[0];
    add_part(l, letter, digit, arena);
}

static void add_line(struct lookalikes *l, struct str line, struct arena *arena) {
    struct str letters = str_cut(line, ' ', &line);
    while (line.n) {
        struct str item = str_trim(str_cut(line, ' ', &line));
        if (!item.n) continue;
        if ((unsigned char)item.p[0] >= 0x80) {
            struct str rest = item;
            add_sign(l, cut_code(&rest), letters, arena);
        } else if (item.n > 1) {
            add_part(l, letters.p[0], item, arena);
        } else if (is_digit(item.p[0])) {
            add_digit(l, letters.p[0], item, arena);
        }
    }
}

static int by_code(const void *a, const void *b) {
    const struct sign *x = a, *y = b;
    return (x->code > y->code) - (x->code < y->code);
}

/* Letters that share a digit share a class. */
static void number_classes(struct lookalikes *l) {
    l->n_classes = 1;
    for (int c = 'a'; c <= 'z'; c++) l->classes[c] = (unsigned char)l->n_classes++;
    for (int c = '0'; c <= '9'; c++) {
        char letter = l->letter_of[c];
        l->classes[c] = is_letter(letter) ? l->classes[(unsigned char)letter] : 0;
    }
    for (size_t i = 0; i < l->n_parts; i++) {
        const struct part *part = &l->parts[i];
        if (part->as.n > 1) continue;
        unsigned char *of_digit = &l->classes[(unsigned char)part->as.p[0]];
        if (*of_digit)
            l->classes[(unsigned char)part->letter] = *of_digit;
        else
            *of_digit = l->classes[(unsigned char)part->letter];
    }
    for (int c = '0'; c <= '9'; c++)
        if (!l->classes[c]) l->classes[c] = (unsigned char)l->n_classes++;
}

struct lookalikes *lookalikes_create(struct str text, struct arena *arena) {
    struct lookalikes *l = ARENA_NEW(arena, struct lookalikes);
    for (int c = 'a'; c <= 'z'; c++) l->letter_of[c] = (char)c;
    for (int c = '0'; c <= '9'; c++) l->letter_of[c] = (char)c;
    while (text.n) {
        struct str comment, line = str_trim(str_cut(str_cut(text, '\n', &text), '#', &comment));
        if (line.n) add_line(l, line, arena);
    }
    if (l->n_signs) qsort(l->signs, l->n_signs, sizeof *l->signs, by_code);
    number_classes(l);
    return l;
}

size_t lookalikes_classes(const struct lookalikes *lookalikes) {
    return lookalikes->n_classes;
}

unsigned char lookalikes_class(const struct lookalikes *lookalikes, char c) {
    return lookalikes->classes[(unsigned char)c];
}

/* ---- labels ---- */

static void put(const struct lookalikes *l, struct skeleton *s, unsigned char c) {
    if (s->n == SKELETON_MAX) return;
    s->raw[s->n] = (char)c;
    s->letters[s->n] = l->letter_of[c];
    s->classes[s->n] = l->classes[c];
    s->n++;
}

/* A character that looks like no letter: no word goes on over it. */
static void put_stranger(struct skeleton *s) {
    if (s->n == SKELETON_MAX) return;
    s->edges[s->n] = 1;
    s->raw[s->n] = s->letters[s->n] = '?';
    s->classes[s->n] = 0;
    s->edges[++s->n] = 1;
}

static void put_ascii(const struct lookalikes *l, struct skeleton *s, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (l->letter_of[c])
            put(l, s, c);
        else
            s->edges[s->n] = 1;
    }
}

static void put_codes(const struct lookalikes *l, struct skeleton *s, const uint32_t *codes) {
    for (; *codes; codes++) {
        if (*codes < 0x80) {
            char c = (char)*codes;
            put_ascii(l, s, (struct str){&c, 1});
            continue;
        }
        const struct sign key = {.code = *codes};
        const struct sign *sign = l->n_signs ? bsearch(&key, l->signs, l->n_signs, sizeof *l->signs, by_code) : NULL;
        if (sign)
            put_ascii(l, s, str_of(sign->text));
        else
            put_stranger(s);
    }
}

/* Of an A-label that does not decode only the ASCII letters, not the code after the last hyphen. */
static struct str plain_part(struct str label) {
    size_t end = label.n;
    while (end > 4 && label.p[end - 1] != '-') end--;
    return (struct str){label.p + 4, end > 4 ? end - 5 : 0};
}

static void put_a_label(const struct lookalikes *l, struct skeleton *s, struct str label) {
    char text[LABEL_MAX_BYTES + 1];
    memcpy(text, label.p, label.n);
    text[label.n] = '\0';
    uint32_t *codes = NULL;
    if (idn2_to_unicode_8z4z(text, &codes, 0) == IDN2_OK)
        put_codes(l, s, codes);
    else
        put_ascii(l, s, plain_part(label));
    idn2_free(codes);
}

void skeleton_read(const struct lookalikes *lookalikes, struct str label, struct skeleton *ret) {
    ret->n = 0;
    memset(ret->edges, 0, sizeof ret->edges);
    ret->edges[0] = 1;
    if (label.n <= LABEL_MAX_BYTES && str_starts(label, "xn--"))
        put_a_label(lookalikes, ret, label);
    else
        put_ascii(lookalikes, ret, label);
    ret->edges[ret->n] = 1;
}

/* ---- variants ---- */

struct writing {
    const struct lookalikes *lookalikes;
    struct str word;
    bool exact;
    void (*add)(void *arg, struct str variant);
    void *arg;
    char text[SKELETON_MAX];
    int left; /* variants that may still be added */
};

/* Writes the letters from AT on in every way, behind the N bytes that stand already. */
static void write_from(struct writing *w, size_t at, size_t n) {
    if (at == w->word.n) {
        if (w->left-- > 0) w->add(w->arg, (struct str){w->text, n});
        return;
    }
    char c = w->word.p[at];
    if (n + 2 > sizeof w->text) return;
    w->text[n] = c;
    write_from(w, at + 1, n + 1);
    for (size_t i = 0; i < w->lookalikes->n_parts && w->left > 0; i++) {
        const struct part *part = &w->lookalikes->parts[i];
        if (part->letter != c || n + part->as.n > sizeof w->text) continue;
        if (part->as.n == 1 && !(w->exact && w->lookalikes->letter_of[(unsigned char)part->as.p[0]] == part->as.p[0]))
            continue;
        memcpy(w->text + n, part->as.p, part->as.n);
        write_from(w, at + 1, n + part->as.n);
    }
}

void lookalikes_variants(const struct lookalikes *lookalikes, struct str word, bool exact,
                         void (*add)(void *arg, struct str variant), void *arg) {
    struct writing w = {
        .lookalikes = lookalikes, .word = word, .exact = exact, .add = add, .arg = arg, .left = VARIANTS_MAX};
    write_from(&w, 0, 0);
}
