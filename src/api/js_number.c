#include "api/js_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the white space or line end (ECMA-262 sections 12.2 and 12.3) that TEXT starts with; 0: none. */
static size_t space_at(struct str text) {
    if (text.n == 0) return 0;
    const unsigned char *p = (const unsigned char *)text.p;
    if (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r')) return 1;
    if (text.n >= 2 && p[0] == 0xc2 && p[1] == 0xa0) return 2; /* U+00A0 */
    if (text.n < 3 || p[0] < 0xe1) return 0;
    unsigned c = (unsigned)(p[0] & 0x0f) << 12 | (unsigned)(p[1] & 0x3f) << 6 | (unsigned)(p[2] & 0x3f);
    bool space = c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
                 c == 0x205f || c == 0x3000 || c == 0xfeff;
    return space && p[0] < 0xf0 ? 3 : 0;
}

static struct str trim(struct str text) {
    for (size_t n; (n = space_at(text)) > 0;) text = (struct str){text.p + n, text.n - n};
    while (text.n) {
        size_t n = 0;
        for (size_t width = 1; width <= 3 && width <= text.n; width++)
            if (space_at((struct str){text.p + text.n - width, width}) == width) n = width;
        if (n == 0) break;
        text.n -= n;
    }
    return text;
}

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

/* "0x", "0o" and "0b" literals; they take no sign. */
static bool parse_radix(struct str text, double *ret) {
    int radix = (text.p[1] | 0x20) == 'x' ? 16 : (text.p[1] | 0x20) == 'o' ? 8 : 2;
    double value = 0;
    for (size_t i = 2; i < text.n; i++) {
        int digit = digit_of(text.p[i]);
        if (digit >= radix) return false;
        value = value * radix + digit;
    }
    *ret = value;
    return text.n > 2;
}

static size_t digits(struct str text, size_t from) {
    size_t i = from;
    while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9') i++;
    return i - from;
}

static bool is_decimal(struct str text) {
    size_t i = text.n && (text.p[0] == '+' || text.p[0] == '-') ? 1 : 0;
    size_t whole = digits(text, i), part = 0;
    i += whole;
    if (i < text.n && text.p[i] == '.') {
        part = digits(text, i + 1);
        i += 1 + part;
    }
    if (whole + part == 0) return false;
    if (i < text.n && (text.p[i] | 0x20) == 'e') {
        i++;
        if (i < text.n && (text.p[i] == '+' || text.p[i] == '-')) i++;
        size_t exponent = digits(text, i);
        if (exponent == 0) return false;
        i += exponent;
    }
    return i == text.n;
}

bool js_number_parse(struct str text, struct arena *arena, double *ret) {
    text = trim(text);
    if (text.n == 0) {
        *ret = 0;
        return true;
    }
    if (text.n > 1 && text.p[0] == '0' && text.p[1] && strchr("xXoObB", text.p[1])) return parse_radix(text, ret);
    struct str word = text;
    bool negative = text.p[0] == '-';
    if (negative || text.p[0] == '+') word = (struct str){text.p + 1, text.n - 1};
    if (str_is(word, "Infinity")) {
        *ret = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (!is_decimal(text)) return false;
    *ret = strtod(arena_cstr(arena, text), NULL);
    return true;
}

struct str js_number_text(double number, struct arena *arena) {
    if (isnan(number)) return STR("NaN");
    if (isinf(number)) return number < 0 ? STR("-Infinity") : STR("Infinity");
    if (number == 0) return STR("0"); /* also -0 */

    /* The fewest digits that read back as the same number. */
    char text[40];
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, fabs(number));
        if (strtod(text, NULL) == fabs(number)) break;
    }
    char *e = strchr(text, 'e');
    if (!e) return STR("NaN");                    /* cannot happen: %e always writes one */
    int point = (int)strtol(e + 1, NULL, 10) + 1; /* the decimal point stands after this many digits */
    char figures[20];
    int n = 0;
    for (const char *p = text; p < e && n < (int)sizeof figures - 1; p++)
        if (*p != '.') figures[n++] = *p;
    while (n > 1 && figures[n - 1] == '0') n--;
    figures[n] = '\0';

    const char *sign = number < 0 ? "-" : "";
    static const char zeros[] = "000000000000000000000";
    if (n <= point && point <= 21) return arena_printf(arena, "%s%s%.*s", sign, figures, point - n, zeros);
    if (0 < point && point < n) return arena_printf(arena, "%s%.*s.%s", sign, point, figures, figures + point);
    if (-6 < point && point <= 0) return arena_printf(arena, "%s0.%.*s%s", sign, -point, zeros, figures);
    return arena_printf(arena, "%s%c%s%se%+d", sign, figures[0], n > 1 ? "." : "", figures + 1, point - 1);
}
