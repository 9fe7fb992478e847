#include "store/postgres/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/engine.h"

enum { OPTIONS_MAX = 80, CONNECT_S = 3 };

struct target {
    PQconninfoOption *options;
    size_t hosts;
};

static const char *value_of(const struct target *target, const char *keyword) {
    for (const PQconninfoOption *o = target->options; o->keyword; o++)
        if (o->val && strcmp(o->keyword, keyword) == 0) return o->val;
    return NULL;
}

static size_t count(const char *list) {
    size_t n = 1;
    for (; list && *list; list++) n += *list == ',';
    return n;
}

static size_t count_hosts(const struct target *target) {
    const char *host = value_of(target, "host"), *address = value_of(target, "hostaddr"),
               *port = value_of(target, "port");
    size_t n = count(address ? address : host);
    /* libpq finds words for those that do not fit each other. */
    bool fits = (!host || !address || count(host) == n) && (!port || count(port) == 1 || count(port) == n);
    return fits ? n : 1;
}

bool target_parse(const char *url, struct target **ret, struct error *reterr) {
    char *words = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &words);
    /* The words quote the URL, which may have a password. */
    PQfreemem(words);
    if (!options)
        return error_set(reterr, ERR_INVALID,
                         "the database's URL is not one that libpq takes, such as"
                         " postgresql://USER@HOST:5432/NAME?sslmode=verify-full; what is special"
                         " in it is written as %%XX");
    struct target *target = store_alloc(1, sizeof *target);
    target->options = options;
    target->hosts = count_hosts(target);
    *ret = target;
    return true;
}

void target_destroy(struct target *target) {
    if (!target) return;
    PQconninfoFree(target->options);
    free(target);
}

size_t target_hosts(const struct target *target) {
    return target->hosts;
}

int64_t target_connect_ms(const struct target *target) {
    const char *text = value_of(target, "connect_timeout");
    int64_t seconds = CONNECT_S;
    if (text && !str_to_int(str_of(text), 1, 3600, &seconds)) seconds = CONNECT_S;
    return seconds * 1000;
}

const char *target_password(const struct target *target) {
    return value_of(target, "password");
}

/* The part of LIST, with commas, at place WHICH; the whole when it has only one. */
static char *part(const char *list, size_t which) {
    if (count(list) > 1)
        for (; which; which--) list = strchr(list, ',') + 1;
    size_t n = count(list) > 1 ? strcspn(list, ",") : strlen(list);
    char *copy = store_alloc(n + 1, 1);
    snprintf(copy, n + 1, "%.*s", (int)n, list);
    return copy;
}

struct parameters {
    const char *keywords[OPTIONS_MAX], *values[OPTIONS_MAX];
    size_t n;
};

static void add(struct parameters *p, const char *keyword, const char *value) {
    if (p->n + 1 == OPTIONS_MAX) store_die("too many options in the database's URL", keyword);
    p->keywords[p->n] = keyword;
    p->values[p->n++] = value;
}

/* libpq would print what an idle server says before it ends. */
static void ignore_notice(void *arg, const PGresult *notice) {
    (void)arg, (void)notice;
}

PGconn *target_begin(const struct target *target, size_t host) {
    static const char *const defaults[][2] = {
        {"fallback_application_name", "dfyd"},
        {"target_session_attrs", "read-write"},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "3"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "10000"},
    };
    struct parameters p = {.n = 0};
    char *parts[3];
    size_t n_parts = 0;
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        if (!value_of(target, defaults[i][0])) add(&p, defaults[i][0], defaults[i][1]);
    for (const PQconninfoOption *o = target->options; o->keyword; o++) {
        if (!o->val || strcmp(o->keyword, "client_encoding") == 0) continue;
        bool is_list =
            strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "hostaddr") == 0 || strcmp(o->keyword, "port") == 0;
        if (is_list && target->hosts > 1)
            add(&p, o->keyword, parts[n_parts++] = part(o->val, host));
        else
            add(&p, o->keyword, o->val);
    }
    add(&p, "client_encoding", "UTF8");
    PGconn *conn = PQconnectStartParams(p.keywords, p.values, 0);
    if (conn) PQsetNoticeReceiver(conn, ignore_notice, NULL);
    while (n_parts) free(parts[--n_parts]);
    return conn;
}
