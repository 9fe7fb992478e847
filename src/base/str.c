#include "base/str.h"

int str_cmp(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

bool str_contains(struct str a, const char *part) {
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= a.n; i++)
        if (memcmp(a.p + i, part, n) == 0) return true;
    return false;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str a) {
    while (a.n && is_space(a.p[0])) a.p++, a.n--;
    while (a.n && is_space(a.p[a.n - 1])) a.n--;
    return a;
}

struct str str_cut(struct str a, char sep, struct str *ret_rest) {
    const char *at = a.n ? memchr(a.p, sep, a.n) : NULL;
    if (!at) {
        *ret_rest = STR("");
        return a;
    }
    size_t n = (size_t)(at - a.p);
    *ret_rest = (struct str){at + 1, a.n - n - 1};
    return (struct str){a.p, n};
}

bool str_to_int(struct str a, int64_t min, int64_t max, int64_t *ret) {
    bool negative = a.n && a.p[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == a.n) return false;
    int64_t value = 0;
    for (; i < a.n; i++) {
        if (a.p[i] < '0' || a.p[i] > '9') return false;
        int digit = a.p[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, negative ? -digit : digit, &value)) return false;
    }
    if (value < min || value > max) return false;
    *ret = value;
    return true;
}

uint64_t str_hash(struct str a) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < a.n; i++) h = (h ^ (unsigned char)a.p[i]) * 0x100000001b3u;
    return h;
}
