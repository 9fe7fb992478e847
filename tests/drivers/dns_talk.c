/*
 * dns-talk: a DNS driver alone, for tests; asked by dns_talk.py. Which one, and its settings, stand in the environment
 * (TALK_DRIVER and what the rows below read). A line of standard input is a JSON object that says what to do, and is
 * answered by one line:
 *
 *     {"do": "fetch", "zone": "a.test", "sets": [["a.test", "MX"], ["a.test", "TXT"]]}
 *     {"outcome": "done", "reason": "", "retry_after_ms": 0, "state": "ours",
 *      "served": [["a.test", "MX", 300, ["10 mx.net."]], ["a.test", "TXT", 0, []]]}
 *
 *     {"do": "change", "zone": "a.test",
 *      "changes": [{"name": "a.test", "type": "TXT", "was": [0, []], "to": [300, ["x"]]}]}
 *     {"do": "nameservers"}
 *     {"do": "all", "threads": 8, "jobs": [{"do": "fetch", ...}, ...]}      {"answers": [...], "took_ms": 12}
 *
 * Values are bytes: each is written as the character of its number, 0 to 255.
 */
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>
#include <yyjson.h>

#include "conversation.h"
#include "driver/dns/powerdns.h"
#include "driver/dns/rfc2136.h"
#include "driver/sandbox_book.h"

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

/* ---- drivers, a row each ---- */

static struct clock talk_clock;

static struct dns *open_sandbox(void) {
    static struct sandbox_book *book; /* for as long as the program runs */
    struct error error;
    talk_clock = clock_manual(0);
    if (sandbox_book_open(":memory:", &talk_clock, &book, &error)) return dns_sandbox_create(book);
    fprintf(stderr, "%s\n", error.message);
    return NULL;
}

static struct dns *open_powerdns(void) {
    const struct powerdns_config config = {
        .url = setting("TALK_URL"),
        .key = setting("TALK_KEY"),
        .nameservers = setting("TALK_NAMESERVERS"),
        .timeout_ms = strtoll(setting("TALK_TIMEOUT_MS"), NULL, 10),
    };
    const char *fault = powerdns_config_fault(&config);
    if (!fault) return dns_powerdns_create(&config);
    fprintf(stderr, "%s\n", fault);
    return NULL;
}

static struct dns *open_rfc2136(void) {
    const struct rfc2136_config config = {
        .host = setting("TALK_HOST"),
        .port = (uint16_t)strtoul(setting("TALK_PORT"), NULL, 10),
        .key = setting("TALK_KEY"),
        .nameservers = setting("TALK_NAMESERVERS"),
        .timeout_ms = strtoll(setting("TALK_TIMEOUT_MS"), NULL, 10),
    };
    const char *fault = rfc2136_config_fault(&config);
    if (!fault) return dns_rfc2136_create(&config);
    fprintf(stderr, "%s\n", fault);
    return NULL;
}

static const struct {
    const char *name;
    struct dns *(*open)(void); /* NULL: not with these settings; it has said why */
} drivers[] = {
    {"sandbox", open_sandbox},
    {"powerdns", open_powerdns},
    {"rfc2136", open_rfc2136},
};

static struct dns *open_driver(void) {
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (!strcmp(drivers[i].name, setting("TALK_DRIVER"))) return drivers[i].open();
    fprintf(stderr, "TALK_DRIVER names no driver\n");
    return NULL;
}

/* ---- values ---- */

static struct str bytes_of(yyjson_val *value, struct arena *arena) {
    struct str text = yyjson_is_str(value) ? (struct str){yyjson_get_str(value), yyjson_get_len(value)} : STR("");
    char *to = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c >= 0xc0 && i + 1 < text.n) c = (unsigned char)(c << 6 | ((unsigned char)text.p[++i] & 0x3f));
        to[n++] = (char)c;
    }
    return (struct str){to, n};
}

static void say_bytes(yyjson_mut_doc *doc, yyjson_mut_val *list, struct str bytes, struct arena *arena) {
    char *to = arena_alloc(arena, 2 * bytes.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (c >= 0x80) to[n++] = (char)(0xc0 | c >> 6);
        to[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    yyjson_mut_arr_add_strncpy(doc, list, to, n);
}

static struct str text(yyjson_val *object, const char *name, struct arena *arena) {
    return bytes_of(yyjson_obj_get(object, name), arena);
}

/* [TTL, [VALUE, ...]], or nothing. */
static struct rrset set_of(struct str name, struct str type, yyjson_val *content, struct arena *arena) {
    yyjson_val *list = yyjson_arr_get(content, 1), *value;
    struct rrset set = {
        .name = name, .type = arena_cstr(arena, type), .ttl = yyjson_get_int(yyjson_arr_get(content, 0))};
    set.data = ARENA_ARRAY(arena, yyjson_arr_size(list) + 1, struct str);
    size_t i, n;
    yyjson_arr_foreach(list, i, n, value) {
        set.data[set.n_data++] = bytes_of(value, arena);
    }
    return set;
}

/* ---- what can be asked ---- */

struct job {
    struct dns *dns;
    yyjson_val *asked;
    yyjson_mut_doc *doc;
    yyjson_mut_val *said;
    struct arena *arena;
};

static void say_outcome(struct job *job, enum outcome outcome, const struct answer *answer) {
    static const char *const words[] = {"done", "refused", "unknown"};
    yyjson_mut_obj_add_str(job->doc, job->said, "outcome", words[outcome]);
    yyjson_mut_obj_add_strcpy(job->doc, job->said, "reason", outcome == OUTCOME_DONE ? "" : answer->reason);
    yyjson_mut_obj_add_sint(job->doc, job->said, "retry_after_ms", answer->retry_after_ms);
}

static void say_served(struct job *job, const struct dns_zone *zone) {
    static const char *const states[] = {
        [DNS_ZONE_MISSING] = "missing", [DNS_ZONE_OURS] = "ours", [DNS_ZONE_FOREIGN] = "foreign"};
    yyjson_mut_obj_add_str(job->doc, job->said, "state", states[zone->state]);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(job->doc, job->said, "served");
    for (size_t i = 0; i < zone->served.n; i++) {
        const struct rrset *set = &zone->served.sets[i];
        yyjson_mut_val *row = yyjson_mut_arr_add_arr(job->doc, list);
        say_bytes(job->doc, row, set->name, job->arena);
        yyjson_mut_arr_add_strcpy(job->doc, row, set->type);
        yyjson_mut_arr_add_sint(job->doc, row, set->ttl);
        yyjson_mut_val *values = yyjson_mut_arr_add_arr(job->doc, row);
        for (size_t j = 0; j < set->n_data; j++) say_bytes(job->doc, values, set->data[j], job->arena);
    }
}

static void fetch(struct job *job) {
    yyjson_val *list = yyjson_obj_get(job->asked, "sets"), *pair;
    struct rrset *sets = ARENA_ARRAY(job->arena, yyjson_arr_size(list) + 1, struct rrset);
    struct answer answer;
    struct dns_zone zone;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, pair) {
        struct str type = bytes_of(yyjson_arr_get(pair, 1), job->arena);
        sets[i] = set_of(bytes_of(yyjson_arr_get(pair, 0), job->arena), type, NULL, job->arena);
    }
    enum outcome outcome =
        dns_fetch(job->dns, text(job->asked, "zone", job->arena), sets, n, job->arena, &zone, &answer);
    say_outcome(job, outcome, &answer);
    if (outcome == OUTCOME_DONE) say_served(job, &zone);
}

static void change(struct job *job) {
    yyjson_val *list = yyjson_obj_get(job->asked, "changes"), *one;
    struct zone_change *changes = ARENA_ARRAY(job->arena, yyjson_arr_size(list) + 1, struct zone_change);
    struct answer answer;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, one) {
        struct str name = text(one, "name", job->arena), type = text(one, "type", job->arena);
        changes[i].was = set_of(name, type, yyjson_obj_get(one, "was"), job->arena);
        changes[i].to = set_of(name, type, yyjson_obj_get(one, "to"), job->arena);
    }
    enum outcome outcome = dns_change(job->dns, text(job->asked, "zone", job->arena), changes, n, &answer);
    say_outcome(job, outcome, &answer);
}

static void nameservers(struct job *job) {
    size_t n;
    const struct str *names = dns_nameservers(job->dns, &n);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(job->doc, job->said, "nameservers");
    for (size_t i = 0; i < n; i++) say_bytes(job->doc, list, names[i], job->arena);
}

static void run(void *dns, yyjson_val *asked, yyjson_mut_doc *doc, yyjson_mut_val *said) {
    static const struct {
        const char *name;
        void (*run)(struct job *job);
    } verbs[] = {{"fetch", fetch}, {"change", change}, {"nameservers", nameservers}};
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    struct job job = {dns, asked, doc, said, arena};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (str_is(text(asked, "do", arena), verbs[i].name)) verbs[i].run(&job);
}

int main(void) {
    if (sodium_init() < 0) return 1;
    struct dns *dns = open_driver();
    if (!dns) return 2;
    converse(run, dns);
    dns_destroy(dns);
    return 0;
}
