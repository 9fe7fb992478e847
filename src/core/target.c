#include "core/target.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { URL_MAX_BYTES = 2048, HOST_MAX_BYTES = 255, HEADER_NAME_MAX = 100, HEADER_VALUE_MAX = 1000, V4 = 4, V6 = 16 };

/* ---- addresses ---- */

struct range {
    unsigned char first[V6];
    unsigned bits;
};

/* RFC 6890 and the IANA IPv4 special-purpose registry. */
static const struct range v4_ranges[] = {
    {{0}, 8},            /* this network */
    {{10}, 8},           /* private */
    {{100, 64}, 10},     /* shared, carrier-grade NAT */
    {{127}, 8},          /* loopback */
    {{169, 254}, 16},    /* link-local, cloud metadata */
    {{172, 16}, 12},     /* private */
    {{192, 0, 0}, 24},   /* protocol assignments */
    {{192, 0, 2}, 24},   /* documentation */
    {{192, 88, 99}, 24}, /* 6to4 relays */
    {{192, 168}, 16},    /* private */
    {{198, 18}, 15},     /* benchmarks */
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24}, /* documentation, both */
    {{224}, 4},          /* multicast */
    {{240}, 4},          /* reserved, broadcast */
};

/* Within 2000::/3, outside of which nothing is public (RFC 4291 section 2.4, IANA IPv6 special-purpose registry). */
static const struct range v6_ranges[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments, Teredo, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static const struct range global_unicast = {{0x20}, 3};

/* Those that carry an IPv4 address, and where it begins. */
static const struct carrier {
    struct range range;
    size_t at;
} carriers[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12},            /* mapped, RFC 4291 section 2.5.5.2 */
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},              /* NAT64, RFC 6052 */
    {{{[8] = 0xff, [9] = 0xff, [10] = 0x00}, 96}, 12}, /* translated, RFC 2765 */
    {{{0x20, 0x02}, 16}, 2},                           /* 6to4, RFC 3056 */
};

static bool is_in(const unsigned char *address, const struct range *range) {
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(address, range->first, whole) != 0) return false;
    return rest == 0 || ((address[whole] ^ range->first[whole]) >> (8 - rest)) == 0;
}

static bool v4_is_public(const unsigned char *address) {
    for (size_t i = 0; i < ARRAY_LEN(v4_ranges); i++)
        if (is_in(address, &v4_ranges[i])) return false;
    return true;
}

bool target_address_is_public(const unsigned char *address, size_t size) {
    if (size == V4) return v4_is_public(address);
    if (size != V6) return false;
    for (size_t i = 0; i < ARRAY_LEN(carriers); i++)
        if (is_in(address, &carriers[i].range)) return v4_is_public(address + carriers[i].at);
    for (size_t i = 0; i < ARRAY_LEN(v6_ranges); i++)
        if (is_in(address, &v6_ranges[i])) return false;
    return is_in(address, &global_unicast);
}

static bool is_one_of(char c, const char *set) {
    return c && strchr(set, c);
}

/* ---- URLs ---- */

/* What stands between "://" and the path (RFC 3986 section 3.2), without user information and port. */
static struct str host_of(struct str url) {
    struct str rest;
    (void)str_cut(url, ':', &rest);
    if (rest.n < 2) return STR("");
    struct str authority = {rest.p + 2, 0};
    size_t room = rest.n - 2;
    /* A backslash is a slash to some readers; whoever writes one gets no say in which host is meant. */
    while (authority.n < room && !is_one_of(authority.p[authority.n], "/?#\\")) authority.n++;
    for (size_t i = authority.n; i-- > 0;)
        if (authority.p[i] == '@') {
            authority = (struct str){authority.p + i + 1, authority.n - i - 1};
            break;
        }
    if (authority.n && authority.p[0] == '[') {
        const char *end = memchr(authority.p, ']', authority.n);
        return end ? (struct str){authority.p, (size_t)(end - authority.p) + 1} : STR("");
    }
    struct str port;
    return str_cut(authority, ':', &port);
}

static bool port_is_valid(struct str url) {
    struct str host = host_of(url);
    const char *at = host.p + host.n, *end = url.p + url.n;
    if (at == end || *at != ':') return true;
    struct str port = {at + 1, 0};
    while (port.p + port.n < end && !is_one_of(port.p[port.n], "/?#")) port.n++;
    int64_t number;
    return str_to_int(port, 1, 65535, &number);
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* RFC 3986 sections 2 and 3.2.2: the characters of a URL, escapes of three, brackets around an address and nowhere
 * else.
 */
static bool is_written_well(struct str url) {
    bool in_brackets = false;
    for (size_t i = 0; i < url.n; i++) {
        char c = url.p[i];
        if (c <= ' ' || c >= 0x7f || is_one_of(c, "\"<>\\^`{|}")) return false;
        if (c == '%' && (i + 2 >= url.n || !is_hex(url.p[i + 1]) || !is_hex(url.p[i + 2]))) return false;
        if (c == '[' && (in_brackets || i == 0 || !strchr("/@", url.p[i - 1]))) return false;
        if (c == ']' && (!in_brackets || (i + 1 < url.n && !strchr(":/?#", url.p[i + 1])))) return false;
        if (c == '[' || c == ']') in_brackets = c == '[';
    }
    return !in_brackets;
}

const char *target_url_fault(struct str url) {
    if (!str_starts(url, "http://") && !str_starts(url, "https://")) return "must match pattern \"^https?://\"";
    if (url.n > URL_MAX_BYTES) return "must NOT have more than 2048 characters";
    if (!is_written_well(url)) return "must match format \"uri\"";
    struct str host = host_of(url);
    if (!host.n || host.n > HOST_MAX_BYTES || !port_is_valid(url)) return "must match format \"uri\"";
    return NULL;
}

static bool ends_with(struct str text, const char *end) {
    size_t n = strlen(end);
    return text.n >= n && strncasecmp(text.p + text.n - n, end, n) == 0;
}

/* "localhost", and "a.localhost" too. */
static bool is_under(struct str name, const char *dotted) {
    return ends_with(name, dotted) || (name.n == strlen(dotted + 1) && strncasecmp(name.p, dotted + 1, name.n) == 0);
}

bool target_host_is_private(struct str host) {
    static const char *const suffixes[] = {".localhost", ".localdomain", ".local", ".internal", ".home.arpa"};
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (is_under(host, suffixes[i])) return true;
    return !host.n;
}

bool target_url_is_private(struct str url) {
    struct str host = host_of(url);
    char text[HOST_MAX_BYTES + 1];
    if (!host.n || host.n > HOST_MAX_BYTES) return true;
    if (host.p[0] == '[') {
        struct in6_addr v6;
        memcpy(text, host.p + 1, host.n - 2);
        text[host.n - 2] = '\0';
        return inet_pton(AF_INET6, text, &v6) != 1 || !target_address_is_public(v6.s6_addr, V6);
    }
    while (host.n && host.p[host.n - 1] == '.') host.n--;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    /* inet_aton also reads 127.1, 0x7f000001 and 2130706433, as URL readers do. */
    struct in_addr v4;
    if (inet_aton(text, &v4)) return !target_address_is_public((const unsigned char *)&v4, V4);
    return target_host_is_private(host);
}

bool target_url_keeps_secrets(struct str url) {
    return str_starts(url, "https://") || target_url_is_private(url);
}

/* ---- header fields ---- */

const char *target_header_fault(struct str name, struct str value) {
    static const char *const taken[] = {"Host",       "Content-Length", "Content-Type",   "Content-Encoding",
                                        "Connection", "Keep-Alive",     "Expect",         "Transfer-Encoding",
                                        "TE",         "Trailer",        "Upgrade",        "User-Agent",
                                        "Date",       "HTTP2-Settings", "Accept-Encoding"};
    if (!name.n || name.n > HEADER_NAME_MAX) return "must have a name of 1 to 100 characters";
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c >= 0x80 || !(isalnum(c) || is_one_of((char)c, "!#$%&'*+-.^_`|~")))
            return "must have a name of letters, digits and hyphens";
    }
    if (value.n > HEADER_VALUE_MAX) return "must NOT have more than 1000 characters";
    for (size_t i = 0; i < value.n; i++)
        if ((value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] >= 0x7f) return "must be printable ASCII";
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (name.n == strlen(taken[i]) && strncasecmp(name.p, taken[i], name.n) == 0)
            return "is set by dfyd and cannot be changed";
    bool is_ours = name.n >= 7 && strncasecmp(name.p, "X-Dfyd-", 7) == 0;
    bool is_proxys = name.n >= 6 && strncasecmp(name.p, "Proxy-", 6) == 0;
    return is_ours || is_proxys ? "is set by dfyd and cannot be changed" : NULL;
}
