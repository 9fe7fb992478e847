/* The sandbox's DNS host: zones of RRsets that nobody can query. */
#include "driver/dns/dns.h"

#include <stdlib.h>

#include "base/buf.h"
#include "driver/sandbox_inside.h"

enum { RDATA_MAX = 64 * 1024 };

struct sandbox {
    struct dns base;
    struct sandbox_book *book;
};

static struct sandbox_book *book_of(struct dns *d) {
    return ((struct sandbox *)d)->book;
}

static const struct str *nameservers(struct dns *d, size_t *ret_n) {
    static const struct str names[] = {{"ns1.sandbox.test", 16}, {"ns2.sandbox.test", 16}};
    (void)d;
    *ret_n = ARRAY_LEN(names);
    return names;
}

static int by_bytes(const void *a, const void *b) {
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* One text for an RRset's data, the same whatever the order of its values (RFC 2181 section 5): they are sorted, each
 * as a netstring. False when it is longer than an RRset can be. */
static bool rdata_of(const struct rrset *set, struct arena *arena, struct str *ret) {
    struct str *values = ARENA_ARRAY(arena, set->n_data, struct str);
    for (size_t i = 0; i < set->n_data; i++) values[i] = set->data[i];
    if (set->n_data > 1) qsort(values, set->n_data, sizeof *values, by_bytes);
    struct buf out;
    buf_init(&out, RDATA_MAX);
    for (size_t i = 0; i < set->n_data; i++) {
        buf_add_int(&out, (int64_t)values[i].n);
        buf_add_byte(&out, ':');
        buf_add(&out, values[i]);
    }
    bool ok = buf_ok(&out);
    if (ok) *ret = arena_str(arena, buf_str(&out));
    buf_finish(&out);
    return ok;
}

/* Of what rdata_of made, in the order it stands there. */
static void read_rdata(struct str text, struct arena *arena, struct rrset *ret) {
    ret->data = ARENA_ARRAY(arena, text.n / 2 + 1, struct str);
    ret->n_data = 0;
    while (text.n) {
        size_t size = 0, i = 0;
        for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9' && size < RDATA_MAX; i++)
            size = size * 10 + (size_t)(text.p[i] - '0');
        if (i == text.n || text.p[i] != ':' || size > text.n - i - 1) return; /* somebody else wrote it */
        struct str value = {text.p + i + 1, size};
        ret->data[ret->n_data++] = arena_str(arena, value);
        text = (struct str){value.p + size, text.n - i - 1 - size};
    }
}

static struct rrset served_set(struct sandbox_book *book, struct str zone, struct str name, const char *type,
                               struct arena *arena) {
    static const char sql[] = "SELECT ttl, data FROM rrsets WHERE zone = $1 AND name = $2 AND type = $3";
    struct rrset set = {.name = name, .type = type};
    if (!notebook_run(book->notebook, sql, NOTEBOOK_TEXT(zone), NOTEBOOK_TEXT(name), NOTEBOOK_TEXT(str_of(type))))
        return set;
    set.ttl = (int)notebook_int(book->notebook, 0);
    read_rdata(notebook_text(book->notebook, 1), arena, &set);
    return set;
}

static enum outcome fetch(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct arena *arena,
                          struct dns_zone *ret, struct answer *answer) {
    struct sandbox_book *book = book_of(d);
    *ret = (struct dns_zone){.served = {ARENA_ARRAY(arena, n, struct rrset), n}};
    notebook_begin(book->notebook);
    ret->state = notebook_run(book->notebook, "SELECT 1 FROM zones WHERE zone = $1", NOTEBOOK_TEXT(zone))
                     ? DNS_ZONE_OURS
                     : DNS_ZONE_MISSING;
    for (size_t i = 0; i < n; i++) ret->served.sets[i] = served_set(book, zone, sets[i].name, sets[i].type, arena);
    return notebook_end(book->notebook, OUTCOME_DONE, answer);
}

static enum outcome replace_sets(struct sandbox_book *book, struct str zone, const struct rrset *sets, size_t n,
                                 struct arena *arena, struct answer *answer) {
    static const char drop[] = "DELETE FROM rrsets WHERE zone = $1 AND name = $2 AND type = $3";
    static const char put[] = "INSERT OR REPLACE INTO rrsets (zone, name, type, ttl, data) VALUES ($1, $2, $3, $4, $5)";
    struct str *rdata = ARENA_ARRAY(arena, n, struct str);
    for (size_t i = 0; i < n; i++) {
        if (!zone_has_name(zone, sets[i].name))
            return answer_set(answer, OUTCOME_REFUSED, "%.*s is not in the zone", STR_ARG(sets[i].name));
        if (!rdata_of(&sets[i], arena, &rdata[i]))
            return answer_set(answer, OUTCOME_REFUSED, "%.*s %s has too much data", STR_ARG(sets[i].name),
                              sets[i].type);
    }
    notebook_run(book->notebook, "INSERT OR IGNORE INTO zones (zone) VALUES ($1)", NOTEBOOK_TEXT(zone));
    for (size_t i = 0; i < n; i++) {
        struct notebook_value name = NOTEBOOK_TEXT(sets[i].name), type = NOTEBOOK_TEXT(str_of(sets[i].type));
        if (sets[i].n_data == 0)
            notebook_run(book->notebook, drop, NOTEBOOK_TEXT(zone), name, type);
        else
            notebook_run(book->notebook, put, NOTEBOOK_TEXT(zone), name, type, NOTEBOOK_INT(sets[i].ttl),
                         NOTEBOOK_TEXT(rdata[i]));
    }
    return OUTCOME_DONE;
}

/* An address of the domain's website. */
static bool is_web_address(const struct rrset *set, struct str zone) {
    bool is_at_www = set->name.n == zone.n + 4 && str_starts(set->name, "www.");
    return str_is(str_of(set->type), "A") && (str_eq(set->name, zone) || is_at_www);
}

/* Whether it is about a website, to serve it or to take it away. */
static bool is_web(struct str zone, const struct rrset *sets, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (is_web_address(&sets[i], zone)) return true;
    return false;
}

static bool has_web_address(struct str zone, const struct rrset *sets, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (is_web_address(&sets[i], zone) && sets[i].n_data) return true;
    return false;
}

static enum outcome publish_sets(struct sandbox_book *book, struct str zone, const struct rrset *sets, size_t n,
                                 struct answer *answer) {
    const struct magic_row *row = magic_find(MAGIC_DNS, zone);
    switch (row ? row->does : MAGIC_NONE) {
    case MAGIC_REFUSED:
        return answer_set(answer, OUTCOME_REFUSED, "the DNS host does not take this zone");
    case MAGIC_NO_WEB:
        if (has_web_address(zone, sets, n))
            return answer_set(answer, OUTCOME_REFUSED, "the DNS host takes no A records here");
        break;
    case MAGIC_SILENT:
        return answer_set(answer, OUTCOME_UNKNOWN, "the DNS host did not answer");
    case MAGIC_FLAKY: /* a change has no key: the zone is one */
        if (sandbox_count_try(book, row->word, zone) <= SANDBOX_FLAKY_TRIES)
            return answer_set(answer, OUTCOME_UNKNOWN, "the connection to the DNS host broke");
        break;
    case MAGIC_FLAKY_WEB:
        if (is_web(zone, sets, n) && sandbox_count_try(book, row->word, zone) <= SANDBOX_FLAKY_TRIES)
            return answer_set(answer, OUTCOME_UNKNOWN, "the connection to the DNS host broke");
        break;
    default:
        break;
    }
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    return replace_sets(book, zone, sets, n, arena, answer);
}

static enum outcome change_sets(struct sandbox_book *book, struct str zone, const struct zone_change *changes, size_t n,
                                struct answer *answer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct rrset *sets = ARENA_ARRAY(arena, n, struct rrset);
    for (size_t i = 0; i < n; i++) {
        struct rrset served = served_set(book, zone, changes[i].to.name, changes[i].to.type, arena);
        if (!rrset_same(&changes[i].was, &served))
            return answer_set(answer, OUTCOME_UNKNOWN, "%.*s %s was changed meanwhile", STR_ARG(changes[i].to.name),
                              changes[i].to.type);
        sets[i] = changes[i].to;
    }
    return publish_sets(book, zone, sets, n, answer);
}

static enum outcome change(struct dns *d, struct str zone, const struct zone_change *changes, size_t n,
                           struct answer *answer) {
    struct sandbox_book *book = book_of(d);
    notebook_begin(book->notebook);
    sandbox_note_call(book, "publish", zone);
    return notebook_end(book->notebook, change_sets(book, zone, changes, n, answer), answer);
}

static void destroy(struct dns *d) {
    free(d);
}

static const struct dns_ops ops = {
    .name = "sandbox",
    .is_sandbox = true,
    .nameservers = nameservers,
    .fetch = fetch,
    .change = change,
    .destroy = destroy,
};

struct dns *dns_sandbox_create(struct sandbox_book *book) {
    struct sandbox *sandbox = sandbox_driver_alloc(sizeof *sandbox);
    *sandbox = (struct sandbox){.base = {.ops = &ops}, .book = book};
    return &sandbox->base;
}
