#include "driver/mailbox/mailhost/verify_message.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/name.h"

enum { LOCAL_MAX_BYTES = 64 }; /* RFC 5321 section 4.5.3.1.1 */

static bool is_atom_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_dot_atom(struct str text) {
    if (!text.n || text.p[0] == '.' || text.p[text.n - 1] == '.') return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '.' ? text.p[i - 1] == '.' : !is_atom_char(text.p[i])) return false;
    return true;
}

struct str check_domain_of(struct str email) {
    struct str domain;
    str_cut(email, '@', &domain);
    return domain;
}

bool check_address_is_plain(struct str email) {
    struct str domain, local = str_cut(email, '@', &domain);
    return local.n <= LOCAL_MAX_BYTES && domain.n <= NAME_MAX_BYTES && is_dot_atom(local) && is_dot_atom(domain);
}

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static struct tm utc(int64_t now_s) {
    time_t t = (time_t)now_s;
    struct tm tm = {0};
    gmtime_r(&t, &tm);
    return tm;
}

struct str check_imap_date(int64_t now_s, struct arena *arena) {
    struct tm tm = utc(now_s);
    return arena_printf(arena, "%d-%s-%d", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900);
}

struct str check_message(struct str email, const char *token, int64_t now_s, struct arena *arena) {
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct tm tm = utc(now_s);
    struct str date = arena_printf(arena, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
                                   months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    /* Auto-Submitted keeps vacation replies away (RFC 3834 section 5). */
    return arena_printf(arena,
                        "From: <%.*s>\r\n"
                        "To: <%.*s>\r\n"
                        "Subject: Check of this mailbox\r\n"
                        "Date: %.*s\r\n"
                        "Message-ID: <check-%s@%.*s>\r\n" CHECK_FIELD ": %s\r\n"
                        "Auto-Submitted: auto-generated\r\n"
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=us-ascii\r\n"
                        "\r\n"
                        "Sent by dfyd from this mailbox to itself, to see that it works.\r\n"
                        "It is deleted as soon as it has arrived.\r\n",
                        STR_ARG(email), STR_ARG(email), STR_ARG(date), token, STR_ARG(check_domain_of(email)), token);
}

/* The next line with its end, which the rest begins after. */
static struct str next_line(struct str *rest) {
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = end ? (size_t)(end - rest->p) + 1 : rest->n;
    struct str line = {rest->p, n};
    *rest = (struct str){rest->p + n, rest->n - n};
    return line;
}

struct str check_header(struct str message, const char *name) {
    size_t n = strlen(name);
    struct str rest = message;
    while (rest.n) {
        struct str line = next_line(&rest);
        if (!str_trim(line).n) break; /* the body begins */
        if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0) continue;
        struct str value = {line.p + n + 1, line.n - n - 1};
        while (rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t')) value.n += next_line(&rest).n;
        return str_trim(value);
    }
    return STR("");
}

enum alignment check_alignment(struct str signer, struct str from, struct arena *arena) {
    struct str a, b;
    if (!name_host(signer, arena, &a) || !name_host(from, arena, &b)) return ALIGNED_NOT;
    if (str_eq(a, b)) return ALIGNED_STRICT;
    struct str organization = name_organization(a);
    return organization.n && str_eq(organization, name_organization(b)) ? ALIGNED_RELAXED : ALIGNED_NOT;
}
