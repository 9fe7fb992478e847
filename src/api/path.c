#include "api/path.h"

#include "api/utf8.h"

static bool starts_with(struct str path, struct str start) {
    return path.n >= start.n && memcmp(path.p, start.p, start.n) == 0;
}

bool path_matches(struct str path, const char *pattern, struct str *ret_parameter) {
    const char *hole = strchr(pattern, '{');
    if (!hole) return str_is(path, pattern);
    bool is_rest = hole[1] == '*';
    struct str before = {pattern, (size_t)(hole - pattern)}, after = str_of(strchr(hole, '}') + 1);
    if (path.n <= before.n + after.n || !starts_with(path, before)) return false;
    if (!str_eq((struct str){path.p + path.n - after.n, after.n}, after)) return false;
    struct str found = {path.p + before.n, path.n - before.n - after.n};
    if (!is_rest && memchr(found.p, '/', found.n)) return false;
    *ret_parameter = found;
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str path_decode(struct str segment, struct arena *arena) {
    char *to = arena_alloc(arena, segment.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < segment.n; i++) {
        int high = -1, low = -1;
        if (segment.p[i] == '%' && i + 2 < segment.n)
            high = hex_digit(segment.p[i + 1]), low = hex_digit(segment.p[i + 2]);
        char c = segment.p[i];
        if (high >= 0 && low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        }
        to[n++] = c;
    }
    struct str text = {to, n};
    return utf8_valid_bytes(text) == n && !memchr(to, '\0', n) ? text : segment;
}
