#define _GNU_SOURCE /* memmem */
#include "driver/mailbox/mailhost/verify_words.h"

#include <string.h>
#include <strings.h>

static struct str next_line(struct str *rest) {
    struct str line = str_cut(*rest, '\n', rest);
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    return line;
}

/* Whether TEXT begins with WORD in any case; then *ret_rest is what follows. */
static bool begins(struct str text, const char *word, struct str *ret_rest) {
    size_t n = strlen(word);
    if (text.n < n || strncasecmp(text.p, word, n) != 0) return false;
    *ret_rest = (struct str){text.p + n, text.n - n};
    return true;
}

/* Where PART begins in TEXT; NULL: nowhere. */
static const char *find(struct str text, struct str part) {
    return part.n && text.n >= part.n ? memmem(text.p, text.n, part.p, part.n) : NULL;
}

uint32_t words_found(struct str lines) {
    while (lines.n) {
        struct str line = next_line(&lines), uids;
        if (!begins(line, "* SEARCH ", &uids)) continue;
        int64_t uid;
        if (str_to_int(str_cut(uids, ' ', &uids), 1, UINT32_MAX, &uid)) return (uint32_t)uid;
    }
    return 0;
}

uint32_t words_uid_next(struct str lines) {
    while (lines.n) {
        struct str line = next_line(&lines), rest;
        int64_t uid;
        if (begins(line, "* OK [UIDNEXT ", &rest) && str_to_int(str_cut(rest, ']', &rest), 1, UINT32_MAX, &uid))
            return (uint32_t)uid;
    }
    return 1;
}

bool words_quota(struct str lines, struct words_quota *ret) {
    while (lines.n) {
        struct str line = next_line(&lines), rest;
        if (!begins(line, "* QUOTA ", &rest)) continue;
        const char *at = find(rest, STR("STORAGE "));
        if (!at) continue;
        rest = (struct str){at + 8, (size_t)(rest.p + rest.n - at) - 8};
        struct words_quota quota;
        struct str used = str_cut(rest, ' ', &rest), limit = rest;
        limit.n = 0;
        while (limit.n < rest.n && rest.p[limit.n] >= '0' && rest.p[limit.n] <= '9') limit.n++;
        if (!str_to_int(used, 0, INT64_MAX, &quota.used_kib) || !str_to_int(limit, 1, INT64_MAX, &quota.limit_kib))
            continue;
        *ret = quota;
        return true;
    }
    return false;
}

/* Codes with which a NO says nothing of the mailbox (RFC 3501 section 7.1, RFC 5530, RFC 9051). */
static bool speaks_of_the_server(struct str text) {
    static const char *const codes[] = {"[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]"};
    struct str rest;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (begins(text, codes[i], &rest)) return true;
    return false;
}

/* How a line takes a command; most say nothing of it. */
static enum words_kind imap_kind(struct str line, struct str *ret_text) {
    struct str rest, text, tag = str_cut(line, ' ', &rest);
    *ret_text = rest;
    if (!tag.n || str_is(tag, "+")) return WORDS_NONE;
    if (begins(rest, "BYE", &text)) return WORDS_NOT_NOW;
    if (str_is(tag, "*")) return WORDS_NONE;
    if (begins(rest, "OK", &text)) return WORDS_YES;
    if (begins(rest, "NO ", &text)) {
        *ret_text = text;
        return speaks_of_the_server(text) ? WORDS_NOT_NOW : WORDS_NO;
    }
    return begins(rest, "BAD", &text) ? WORDS_NO : WORDS_NONE;
}

/* The code of a reply's last line (RFC 5321 section 4.2.1); 0 for its other lines, and for what is no reply. */
static int smtp_code(struct str line) {
    int64_t code;
    if (line.n < 3 || (line.n > 3 && line.p[3] != ' ')) return 0;
    return str_to_int((struct str){line.p, 3}, 200, 599, &code) ? (int)code : 0;
}

static enum words_kind smtp_kind(struct str line) {
    int code = smtp_code(line);
    return code >= 500 ? WORDS_NO : code >= 400 ? WORDS_NOT_NOW : code ? WORDS_YES : WORDS_NONE;
}

enum words_kind words_judge(struct str lines, bool is_imap, struct str *ret_text, size_t *ret_n_yes) {
    *ret_text = STR("");
    *ret_n_yes = 0;
    while (lines.n) {
        struct str line = next_line(&lines), text = line;
        enum words_kind kind = is_imap ? imap_kind(line, &text) : smtp_kind(line);
        if (kind == WORDS_NONE) continue;
        if (kind != WORDS_YES) {
            *ret_text = text;
            return kind;
        }
        ++*ret_n_yes;
    }
    return *ret_n_yes ? WORDS_YES : WORDS_NONE;
}

bool words_has_code(struct str lines, int code) {
    while (lines.n)
        if (smtp_code(next_line(&lines)) == code) return true;
    return false;
}

struct str words_shown(struct str words, const struct str *secrets, size_t n_secrets, struct arena *arena) {
    for (size_t i = 0; i < n_secrets; i++)
        if (find(words, secrets[i])) return STR("(an answer that repeats the password)");
    words = str_trim(words);
    size_t n = words.n < WORDS_SHOWN_BYTES ? words.n : WORDS_SHOWN_BYTES;
    char *to = arena_alloc(arena, n + 1);
    if (n) memcpy(to, words.p, n);
    for (size_t i = 0; i < n; i++)
        if (to[i] < ' ' || to[i] > '~') to[i] = '?';
    return (struct str){to, n};
}
