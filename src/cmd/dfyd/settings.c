#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HTTP_THREADS_MAX_DEFAULT = 4, LINE_MAX_BYTES = 4096, URL_BYTES_MAX = 200, PROVIDER_LAST = 3 };

struct str setting_range(const struct setting_row *row, struct arena *arena) {
    switch (row->kind) {
    case SETTING_INT:
        return arena_printf(arena, "a whole number from %lld to %lld%s%s", (long long)row->min, (long long)row->max,
                            row->unit ? " " : "", row->unit ? row->unit : "");
    case SETTING_WORD: {
        struct str text = STR("one of ");
        for (size_t i = 0; row->words[i]; i++)
            text = arena_printf(arena, "%.*s%s%s", STR_ARG(text), i ? ", " : "", row->words[i]);
        return text;
    }
    case SETTING_ADDRESS:
        return STR("a numeric ADDRESS:PORT such as 127.0.0.1:8025 or [::1]:8025, with a port from 0 to 65535");
    case SETTING_IPV4:
        return STR("an IPv4 address such as 192.0.2.10");
    case SETTING_IPV6:
        return STR("an IPv6 address such as 2001:db8::10");
    case SETTING_HOST:
        return STR("a host name such as mx.example.net");
    case SETTING_URL:
        return STR("a URL such as https://mail.example.com, without `?`, `#` or `@`, of at most 200 bytes");
    case SETTING_PROVIDERS:
        return STR("a list of 1, 2 and 3, such as 1,3");
    case SETTING_ENGINE:
        return STR("sqlite, or a URL for libpq such as postgresql://dfyd@db.example.net/dfyd");
    case SETTING_TEXT:
        break;
    }
    return STR("a text that is not empty");
}

static bool parse_listen(struct str text, struct listen *ret) {
    struct listen listen = {0};
    size_t colon = text.n;
    while (colon > 0 && text.p[colon - 1] != ':') colon--;
    if (!colon) return false;
    struct str host = {text.p, colon - 1}, port = {text.p + colon, text.n - colon};
    int family = AF_INET;
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        family = AF_INET6;
        host = (struct str){host.p + 1, host.n - 2};
    }
    if (host.n >= sizeof listen.host) return false;
    memcpy(listen.host, host.p, host.n);
    unsigned char address[sizeof(struct in6_addr)];
    int64_t number;
    if (inet_pton(family, listen.host, address) != 1 || !str_to_int(port, 0, UINT16_MAX, &number)) return false;
    listen.port = (uint16_t)number;
    *ret = listen;
    return true;
}

/* "1,3"; the empty list is allowed, to put a list in the file out of force. */
static bool parse_providers(struct str list, unsigned *ret) {
    unsigned bits = 0;
    while (list.n) {
        int64_t provider;
        if (!str_to_int(str_trim(str_cut(list, ',', &list)), 1, PROVIDER_LAST, &provider)) return false;
        bits |= 1U << provider;
    }
    *ret = bits;
    return true;
}

/* http or https, a host, and perhaps a port and a path; what is added to it starts with a slash. */
static bool parse_url(struct str text, struct str *ret) {
    static const char *const schemes[] = {"https://", "http://"};
    size_t host = 0;
    for (size_t i = 0; i < ARRAY_LEN(schemes) && !host; i++)
        if (str_starts(text, schemes[i])) host = strlen(schemes[i]);
    while (text.n > host && text.p[text.n - 1] == '/') text.n--;
    if (!host || text.n <= host || text.n > URL_BYTES_MAX || text.p[host] == '/' || text.p[host] == ':') return false;
    for (size_t i = host; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || strchr("?#@\"<>\\^`{|}", text.p[i])) return false;
    *ret = text;
    return true;
}

/* Letters, digits and hyphens between dots, at least one of them (RFC 1123 section 2.1); in lower case. */
static bool is_host(struct str text) {
    bool has_dot = false;
    if (text.n > 253) return false;
    while (text.n) {
        struct str label = str_cut(text, '.', &text);
        has_dot |= text.n > 0;
        if (!label.n || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-') return false;
        for (size_t i = 0; i < label.n; i++)
            if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label.p[i])) return false;
    }
    return has_dot;
}

static bool parse_word(const char *const *words, struct str text, int64_t *ret) {
    for (size_t i = 0; words[i]; i++) {
        if (!str_is(text, words[i])) continue;
        *ret = (int64_t)i;
        return true;
    }
    return false;
}

static bool parse(const struct setting_row *row, struct str text, struct arena *arena, struct settings *to) {
    void *at = (char *)to + row->offset;
    if (memchr(text.p, '\0', text.n)) return false;
    switch (row->kind) {
    case SETTING_INT:
        return str_to_int(text, row->min, row->max, at);
    case SETTING_WORD:
        return parse_word(row->words, text, at);
    case SETTING_ADDRESS:
        return parse_listen(text, at);
    case SETTING_PROVIDERS:
        return parse_providers(text, at);
    case SETTING_IPV4: {
        struct in_addr address;
        if (inet_pton(AF_INET, arena_cstr(arena, text), &address) != 1) return false;
        break;
    }
    case SETTING_IPV6: {
        struct in6_addr address;
        if (inet_pton(AF_INET6, arena_cstr(arena, text), &address) != 1) return false;
        break;
    }
    case SETTING_HOST:
        if (!is_host(text)) return false;
        break;
    case SETTING_URL:
        if (!parse_url(text, &text)) return false;
        break;
    case SETTING_ENGINE:
        if (!text.n || str_is(text, "sqlite"))
            text = STR("sqlite");
        else if (!str_starts(text, "postgresql://") && !str_starts(text, "postgres://"))
            return false;
        break;
    case SETTING_TEXT:
        if (!text.n) return false;
        break;
    }
    *(const char **)at = arena_cstr(arena, text);
    return true;
}

/* WHERE: "--listen", "DFYD_LISTEN" or "dfyd.conf:3: listen". A database URL can hold a password, so it is not echoed.
 */
static bool take(const struct setting_row *row, const char *where, struct str text, struct arena *arena,
                 struct settings *to, struct error *reterr) {
    if (parse(row, text, arena, to)) return true;
    struct str range = setting_range(row, arena);
    if (row->kind == SETTING_ENGINE) return error_set(reterr, ERR_INVALID, "%s must be %.*s", where, STR_ARG(range));
    if (text.n > 60) text.n = 60;
    return error_set(reterr, ERR_INVALID, "%s must be %.*s, not \"%.*s\"", where, STR_ARG(range), STR_ARG(text));
}

static const struct setting_row *row_by_name(struct str name) {
    for (size_t i = 0; i < SETTING_END; i++)
        if (str_is(name, setting_rows[i].name)) return &setting_rows[i];
    return NULL;
}

static struct str without_comment(struct str line) {
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            return str_trim((struct str){line.p, i});
    return str_trim(line);
}

static bool take_line(struct str line, const char *where, bool seen[SETTING_END], struct arena *arena,
                      struct settings *to, struct error *reterr) {
    line = without_comment(line);
    if (!line.n) return true;
    if (!memchr(line.p, '=', line.n)) return error_set(reterr, ERR_INVALID, "%s: expected `name = value`", where);
    struct str value;
    struct str name = str_trim(str_cut(line, '=', &value));
    const struct setting_row *row = row_by_name(name);
    if (!row) {
        if (name.n > 60) name.n = 60;
        return error_set(reterr, ERR_INVALID, "%s: there is no setting \"%.*s\"; `dfyd serve --help` lists them", where,
                         STR_ARG(name));
    }
    if (row == &setting_rows[SETTING_CONFIG])
        return error_set(reterr, ERR_INVALID, "%s: config cannot be set in a file", where);
    if (seen[row - setting_rows]) return error_set(reterr, ERR_INVALID, "%s: %s is set twice", where, row->name);
    seen[row - setting_rows] = true;
    const char *what = arena_cstr(arena, arena_printf(arena, "%s: %s", where, row->name));
    return take(row, what, str_trim(value), arena, to, reterr);
}

/* One byte more than a line may have tells that it is too long, so an endless one is not read to its end. */
static size_t read_line(FILE *file, char to[LINE_MAX_BYTES + 1]) {
    size_t n = 0;
    int c = 0;
    while (n <= LINE_MAX_BYTES && c != '\n' && (c = getc(file)) != EOF) to[n++] = (char)c;
    return n;
}

static bool take_lines(FILE *file, const char *path, struct arena *arena, struct settings *to, struct error *reterr) {
    bool seen[SETTING_END] = {false};
    char line[LINE_MAX_BYTES + 1];
    size_t n;
    bool ok = true;
    errno = 0;
    for (int number = 1; ok && (n = read_line(file, line)) > 0; number++) {
        const char *where = arena_cstr(arena, arena_printf(arena, "%s:%d", path, number));
        if (n > LINE_MAX_BYTES)
            ok = error_set(reterr, ERR_INVALID, "%s: the line is longer than %d bytes", where, LINE_MAX_BYTES);
        else
            ok = take_line((struct str){line, n}, where, seen, arena, to, reterr);
    }
    if (ok && ferror(file)) ok = error_set(reterr, ERR_INVALID, "%s: %s", path, strerror(errno));
    return ok;
}

static bool take_file(const char *path, struct arena *arena, struct settings *to, struct error *reterr) {
    FILE *file = fopen(path, "re");
    if (!file) return error_set(reterr, ERR_INVALID, "config file %s: %s", path, strerror(errno));
    bool ok = take_lines(file, path, arena, to, reterr);
    fclose(file);
    return ok;
}

static const char *env_of(const struct setting_sources *sources, enum setting setting) {
    const char *value = sources->env ? sources->env(setting_rows[setting].env) : NULL;
    return value && value[0] ? value : NULL;
}

static int64_t cores_up_to(int64_t most) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > most ? most : cores;
}

bool settings_load(const struct setting_sources *sources, struct arena *arena, struct settings *ret,
                   struct error *reterr) {
    struct settings to = {.http_threads = cores_up_to(HTTP_THREADS_MAX_DEFAULT)};
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        if (row->fallback && !take(row, row->name, str_of(row->fallback), arena, &to, reterr)) return false;
    }

    const char *config = sources->flags[SETTING_CONFIG];
    if (!config) config = env_of(sources, SETTING_CONFIG);
    if (config && !take_file(config, arena, &to, reterr)) return false;

    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        const char *value = env_of(sources, (enum setting)i);
        if (value && !take(row, row->env, str_of(value), arena, &to, reterr)) return false;
    }
    for (size_t i = 0; i < SETTING_END; i++) {
        const struct setting_row *row = &setting_rows[i];
        const char *value = sources->flags[i];
        if (!value) continue;
        const char *where = arena_cstr(arena, arena_printf(arena, "--%s", row->flag));
        if (!take(row, where, str_of(value), arena, &to, reterr)) return false;
    }

    if (!to.data)
        return error_set(reterr, ERR_INVALID,
                         "data is missing: say --data DIR, DFYD_DATA=DIR, or data = DIR in --config");
    if (to.retry_max_ms < to.retry_base_ms)
        return error_set(reterr, ERR_INVALID, "retry_max_ms (%lld) must not be less than retry_base_ms (%lld)",
                         (long long)to.retry_max_ms, (long long)to.retry_base_ms);
    const char *payment = setting_rows[SETTING_PAYMENT].words[to.payment];
    if (to.checkout && strcmp(payment, "sandbox") != 0 && !to.public_url)
        return error_set(reterr, ERR_INVALID,
                         "public_url is missing: with checkout on, %s sends customers back to it; say where they reach "
                         "this server",
                         payment);
    *ret = to;
    return true;
}
