/* Values and names: PowerDNS's presentation form (RFC 1035 section 5.1) and the house's. */
#include "driver/dns/powerdns/inside.h"

enum { STRING_MAX_BYTES = 255 };

static bool is_type(const char *type, const char *other) {
    return strcmp(type, other) == 0;
}

static struct str lower(struct str text, struct arena *arena) {
    char *to = arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        to[i] = c;
    }
    return (struct str){to, text.n};
}

struct str powerdns_name(struct str text, struct arena *arena) {
    if (text.n && text.p[text.n - 1] == '.') text.n--;
    return lower(text, arena);
}

bool powerdns_name_is_plain(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!fits) return false;
    }
    return name.n > 0;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* What follows a backslash: "\DDD" or the byte itself. False at the end of TEXT, or for a number above 255. */
static bool read_escape(struct str text, size_t *at, char *ret) {
    if (*at >= text.n) return false;
    if (!is_digit(text.p[*at])) {
        *ret = text.p[(*at)++];
        return true;
    }
    int number = 0;
    for (int i = 0; i < 3; i++, (*at)++) {
        if (*at >= text.n || !is_digit(text.p[*at])) return false;
        number = number * 10 + (text.p[*at] - '0');
    }
    *ret = (char)(unsigned char)number;
    return number <= 255;
}

/* One string in quotes, which begins at *AT; adds its bytes to TO. */
static bool read_string(struct str text, size_t *at, char *to, size_t *n) {
    if (*at >= text.n || text.p[*at] != '"') return false;
    (*at)++;
    while (*at < text.n && text.p[*at] != '"') {
        char c = text.p[(*at)++];
        if (c == '\\' && !read_escape(text, at, &c)) return false;
        to[(*n)++] = c;
    }
    return (*at)++ < text.n;
}

static bool read_txt(struct str content, struct arena *arena, struct str *ret) {
    char *to = arena_alloc(arena, content.n + 1);
    size_t at = 0, n = 0;
    do {
        if (!read_string(content, &at, to, &n)) return false;
        while (at < content.n && content.p[at] == ' ') at++;
    } while (at < content.n);
    *ret = (struct str){to, n};
    return true;
}

struct str powerdns_value(const char *type, struct str content, struct arena *arena) {
    struct str text;
    if (is_type(type, "TXT")) return read_txt(content, arena, &text) ? text : content;
    bool has_names = is_type(type, "MX") || is_type(type, "CNAME") || is_type(type, "SRV") || is_type(type, "NS");
    return has_names ? lower(content, arena) : content;
}

static void add_escaped(struct buf *to, char c) {
    unsigned char byte = (unsigned char)c;
    if (byte < ' ' || byte > '~')
        buf_printf(to, "\\%03u", byte);
    else if (c == '"' || c == '\\')
        buf_printf(to, "\\%c", c);
    else
        buf_add_byte(to, c);
}

struct str powerdns_content(const char *type, struct str value, struct arena *arena) {
    if (!is_type(type, "TXT")) return value;
    struct buf text;
    buf_init(&text, POWERDNS_BODY_MAX_BYTES);
    for (size_t i = 0; i < value.n || i == 0; i++) {
        if (i % STRING_MAX_BYTES == 0) buf_add(&text, i ? STR("\" \"") : STR("\""));
        if (value.n) add_escaped(&text, value.p[i]);
    }
    buf_add_byte(&text, '"');
    struct str content = arena_str(arena, buf_str(&text));
    buf_finish(&text);
    return content;
}
