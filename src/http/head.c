#include <string.h>
#include <strings.h>

#include "http/internal.h"

/* tchar of RFC 9110 section 5.6.2. */
static const bool token_byte[256] = {
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true, ['*'] = true, ['+'] = true,
    ['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true, ['`'] = true, ['|'] = true,  ['~'] = true, ['0'] = true,
    ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true,  ['7'] = true, ['8'] = true,
    ['9'] = true, ['A'] = true, ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true,  ['F'] = true, ['G'] = true,
    ['H'] = true, ['I'] = true, ['J'] = true, ['K'] = true, ['L'] = true, ['M'] = true,  ['N'] = true, ['O'] = true,
    ['P'] = true, ['Q'] = true, ['R'] = true, ['S'] = true, ['T'] = true, ['U'] = true,  ['V'] = true, ['W'] = true,
    ['X'] = true, ['Y'] = true, ['Z'] = true, ['a'] = true, ['b'] = true, ['c'] = true,  ['d'] = true, ['e'] = true,
    ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true, ['j'] = true, ['k'] = true,  ['l'] = true, ['m'] = true,
    ['n'] = true, ['o'] = true, ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true,  ['t'] = true, ['u'] = true,
    ['v'] = true, ['w'] = true, ['x'] = true, ['y'] = true, ['z'] = true,
};

static bool is_token(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!token_byte[(unsigned char)p[i]]) return false;
    return n > 0;
}

/*
 * libmicrohttpd before 1.0 parses leniently and in place, and what it hands over no longer shows it:
 * - a folded line (RFC 9112 section 5.2: to be refused) is glued to the *name* of the field above it, so that
 *   "Content-Len: 5" and " gth" become "Content-Length: 5";
 * - a value ends at the first NUL byte, "Content-Length: 1<NUL>00" is 1, and so does the target;
 * - a field with an empty name counts as the end of the header.
 * But each leaves a trace in memory: the fields no longer follow each other with nothing but a line end between.
 */
enum { LENIENT = MHD_VERSION < 0x01000000 };

static ptrdiff_t distance(const char *from, const char *to) {
    return (ptrdiff_t)((uintptr_t)to - (uintptr_t)from);
}

/* Whether the field stands right behind the one before and is all that stands there. */
static bool is_in_place(const struct head *head, const char *name, size_t name_n, const char *value) {
    ptrdiff_t gap = distance(head->end, name);
    if (gap != 1 && gap != 2) return false;
    const char *p = name + name_n + 1;
    while (distance(p, value) > 0 && (*p == ' ' || *p == '\t')) p++;
    return p == value;
}

static enum MHD_Result read_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
                                  const char *value, size_t value_n) {
    struct head *head = cls;
    (void)kind;
    if (!is_token(name, name_n) || (LENIENT && !is_in_place(head, name, name_n, value))) head->malformed = true;
    head->end = value + value_n;
    struct str text = {value, value_n};
    switch (name_n) {
    case 4:
        if (strncasecmp(name, "Host", 4) == 0) head->hosts++;
        break;
    case 6:
        if (strncasecmp(name, "Expect", 6) == 0) head->expects_continue = true;
        break;
    case 14:
        if (strncasecmp(name, "Content-Length", 14) != 0) break;
        head->content_lengths++;
        if (!str_to_int(text, 0, INT64_MAX, &head->content_length)) head->content_length = -1;
        break;
    case 17:
        if (strncasecmp(name, "Transfer-Encoding", 17) != 0) break;
        head->transfer_encodings++;
        head->chunked = value_n == 7 && strncasecmp(value, "chunked", 7) == 0;
        break;
    default:
        break;
    }
    return MHD_YES;
}

/* libmicrohttpd takes any bytes up to the space, and shows what stands before the first NUL byte. */
static bool is_method(const char *method, const char *url) {
    size_t n = strlen(method);
    if (!is_token(method, n)) return false;
    for (const char *p = method + n + 1; distance(p, url) > 0; p++)
        if (*p != ' ') return false;
    return true;
}

void head_read(struct MHD_Connection *mhd, const char *method, const char *url, const char *version, struct head *ret) {
    *ret = (struct head){.end = version + strlen("HTTP/1.1"), .bad_method = !is_method(method, url)};
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, read_field, ret);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    ptrdiff_t gap = info ? distance(ret->end, method + info->header_size) : 0;
    if (LENIENT && gap != 4 && gap != 2) ret->malformed = true;
}

bool head_check(const struct head *head, const char *version, struct error *reterr) {
    bool is_1_0 = strcmp(version, "HTTP/1.0") == 0;
    if (head->bad_method) return error_set(reterr, ERR_INVALID, "The method must be a token (RFC 9110 section 9.1)");
    if (head->malformed)
        return error_set(reterr, ERR_INVALID,
                         "Malformed header: a field is one line of name, colon and value, the name without spaces");
    if (head->content_lengths && head->transfer_encodings)
        return error_set(reterr, ERR_INVALID, "Send Content-Length or Transfer-Encoding, not both");
    if (head->content_lengths > 1) return error_set(reterr, ERR_INVALID, "More than one Content-Length header");
    if (head->content_lengths && head->content_length < 0)
        return error_set(reterr, ERR_INVALID, "Content-Length must be a number");
    if (head->transfer_encodings > 1 || (head->transfer_encodings && !head->chunked))
        return error_set(reterr, ERR_INVALID, "Transfer-Encoding must be chunked");
    if (head->transfer_encodings && is_1_0) return error_set(reterr, ERR_INVALID, "HTTP/1.0 has no Transfer-Encoding");
    if (head->hosts > 1) return error_set(reterr, ERR_INVALID, "More than one Host header");
    if (!head->hosts && !is_1_0) return error_set(reterr, ERR_INVALID, "The Host header is missing");
    return true;
}

static size_t scheme_length(struct str target) {
    if (target.n >= 7 && strncasecmp(target.p, "http://", 7) == 0) return 7;
    if (target.n >= 8 && strncasecmp(target.p, "https://", 8) == 0) return 8;
    return 0;
}

bool target_split(struct str target, size_t sent, struct str *ret_path, struct str *ret_query, struct error *reterr) {
    bool ok = !LENIENT || target.n == sent;
    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= ' ' || target.p[i] == 0x7f) ok = false;
    if (!ok || !target.n)
        return error_set(reterr, ERR_INVALID,
                         "The request target holds spaces or control characters; percent-encode them");

    /* RFC 9112 section 3.2.2: http://host/path means /path. */
    size_t at = scheme_length(target);
    if (at) {
        while (at < target.n && target.p[at] != '/' && target.p[at] != '?') at++;
        target = (struct str){target.p + at, target.n - at};
    }
    const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
    size_t path_n = mark ? (size_t)(mark - target.p) : target.n;
    *ret_path = path_n ? (struct str){target.p, path_n} : STR("/");
    *ret_query = mark ? (struct str){mark + 1, target.n - path_n - 1} : STR("");
    return true;
}
