/* The driver's table, its settings, and how it looks and changes. */
#include <stdlib.h>
#include <time.h>

#include <sodium.h>

#include "base/clock.h"
#include "core/target.h"
#include "driver/dns/nameservers.h"
#include "driver/dns/powerdns/inside.h"

/* BUDGET_MS is for all calls of a look or of a change, and as much again for waiting until others have made theirs. A
 * zone of some thousand RRsets is read whole; a larger one, name by name. */
enum { TIMEOUT_MS = 8000, BUDGET_MS = 20000, ANSWER_MAX_BYTES = 1 << 20, KEY_MAX_BYTES = 512, TRIES = 2 };
/* After a write without an answer; see powerdns.h. */
enum { PEACE_MS = 5000 };

#define API "/api/v1/servers/localhost"

static struct powerdns *powerdns_of(struct dns *d) {
    return (struct powerdns *)d;
}

/* One call of the driver's. */
struct job {
    struct powerdns *p;
    struct str zone;
    struct arena *arena;
    int64_t until_ms; /* by the steady clock: all that is asked and said */
};

/* ---- calls ---- */

static void call(struct job *job, const char *method, struct str path, struct str body, struct powerdns_reply *ret) {
    struct powerdns *p = job->p;
    const struct web_header headers[] = {
        {STR("X-API-Key"), str_of(p->key)},
        {STR("Accept"), STR("application/json")},
        {STR("Content-Type"), STR("application/json")},
    };
    int64_t left_ms = job->until_ms - clock_steady_ms();
    if (left_ms < 1) left_ms = 1; /* 0 would be no limit at all */
    const struct web_request request = {
        .method = method,
        .url = arena_printf(job->arena, "%s" API "%.*s", p->url, STR_ARG(path)),
        .body = body,
        .headers = headers,
        .n_headers = ARRAY_LEN(headers) - (body.n == 0),
        .timeout_ms = p->timeout_ms < left_ms ? p->timeout_ms : left_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    struct web_reply reply;
    enum web_result result = web_call(p->web, &request, job->arena, &reply);
    powerdns_reply_read(result, &reply, str_of(p->key), job->arena, ret);
}

static void get(struct job *job, struct str path, struct powerdns_reply *ret) {
    call(job, "GET", path, STR(""), ret);
}

/* ---- looking ---- */

struct look {
    bool is_missing;
    struct powerdns_zone zone;
};

/* 404 is also what a PowerDNS without its API says, or somebody else. A list with nothing in it is a clear answer. */
static enum outcome make_sure_it_is_missing(struct job *job, struct look *ret, struct answer *answer) {
    struct powerdns_reply reply;
    get(job, arena_printf(job->arena, "/zones?zone=%.*s.", STR_ARG(job->zone)), &reply);
    if (reply.result != WEB_ANSWERED || reply.status != 200 || !yyjson_is_arr(reply.json))
        return powerdns_unclear(&reply, answer);
    if (yyjson_arr_size(reply.json))
        return answer_set(answer, OUTCOME_UNKNOWN, "PowerDNS has the zone %.*s only now; it is looked at again",
                          STR_ARG(job->zone));
    *ret = (struct look){.is_missing = true};
    return OUTCOME_DONE;
}

static void add_sets(struct powerdns_zone *to, const struct powerdns_zone *from, struct arena *arena) {
    struct powerdns_set *sets = ARENA_ARRAY(arena, to->n_sets + from->n_sets + 1, struct powerdns_set);
    if (to->n_sets) memcpy(sets, to->sets, to->n_sets * sizeof *sets);
    if (from->n_sets) memcpy(sets + to->n_sets, from->sets, from->n_sets * sizeof *sets);
    *to = (struct powerdns_zone){from->account, sets, to->n_sets + from->n_sets};
}

/* The RRsets of one name are added to ZONE. */
static enum outcome look_at_name(struct job *job, struct str name, struct powerdns_zone *zone, struct answer *answer) {
    struct powerdns_reply reply;
    struct powerdns_zone part;
    get(job, arena_printf(job->arena, "/zones/%.*s.?rrset_name=%.*s.", STR_ARG(job->zone), STR_ARG(name)), &reply);
    if (!powerdns_zone_read(&reply, job->zone, job->arena, &part)) return powerdns_unclear(&reply, answer);
    add_sets(zone, &part, job->arena);
    return OUTCOME_DONE;
}

static bool is_named(const struct rrset *sets, size_t n, struct str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(sets[i].name, name)) return true;
    return false;
}

static enum outcome look_by_name(struct job *job, const struct rrset *sets, size_t n, struct look *ret,
                                 struct answer *answer) {
    *ret = (struct look){0};
    enum outcome outcome = look_at_name(job, job->zone, &ret->zone, answer); /* where its SOA is */
    for (size_t i = 0; i < n && outcome == OUTCOME_DONE; i++)
        if (!str_eq(sets[i].name, job->zone) && !is_named(sets, i, sets[i].name))
            outcome = look_at_name(job, sets[i].name, &ret->zone, answer);
    return outcome;
}

/* What there is of SETS, and perhaps more. */
static enum outcome look(struct job *job, const struct rrset *sets, size_t n, struct look *ret, struct answer *answer) {
    bool fits = powerdns_name_is_plain(job->zone);
    for (size_t i = 0; i < n; i++) fits &= powerdns_name_is_plain(sets[i].name);
    if (!fits) return answer_set(answer, OUTCOME_UNKNOWN, "a name in the zone %.*s is none", STR_ARG(job->zone));
    struct powerdns_reply reply;
    get(job, arena_printf(job->arena, "/zones/%.*s.", STR_ARG(job->zone)), &reply);
    if (reply.result == WEB_TOO_LONG && reply.status == 200) return look_by_name(job, sets, n, ret, answer);
    /* 422 is how older servers say it. */
    if (reply.result == WEB_ANSWERED && (reply.status == 404 || reply.status == 422))
        return make_sure_it_is_missing(job, ret, answer);
    *ret = (struct look){0};
    if (!powerdns_zone_read(&reply, job->zone, job->arena, &ret->zone)) return powerdns_unclear(&reply, answer);
    return OUTCOME_DONE;
}

static bool is_ours(const struct look *look) {
    return str_is(look->zone.account, POWERDNS_ACCOUNT);
}

static enum outcome fetch(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct arena *arena,
                          struct dns_zone *ret, struct answer *answer) {
    struct job job = {powerdns_of(d), zone, arena, clock_steady_ms() + BUDGET_MS};
    struct look found = {0};
    enum outcome outcome = look(&job, sets, n, &found, answer);
    if (outcome != OUTCOME_DONE) return outcome;
    *ret = (struct dns_zone){.served = {ARENA_ARRAY(arena, n + 1, struct rrset), n}};
    ret->state = found.is_missing ? DNS_ZONE_MISSING : is_ours(&found) ? DNS_ZONE_OURS : DNS_ZONE_FOREIGN;
    for (size_t i = 0; i < n; i++)
        ret->served.sets[i] = powerdns_served(&found.zone, sets[i].name, sets[i].type, arena);
    return OUTCOME_DONE;
}

/* ---- changing ---- */

static enum outcome refuse_foreign(const struct look *look, struct str zone, struct answer *answer) {
    struct str account = look->zone.account;
    bool fits = account.n && account.n <= 40;
    for (size_t i = 0; i < account.n && fits; i++) fits = account.p[i] > ' ' && account.p[i] <= '~';
    return answer_set(answer, OUTCOME_UNKNOWN,
                      "PowerDNS has a zone %.*s that is not dfyd's (account \"%.*s\"): remove it, or give it the "
                      "account \"" POWERDNS_ACCOUNT "\"",
                      STR_ARG(zone), fits ? (int)account.n : 0, fits ? account.p : "");
}

/* Those that are not made yet. UNKNOWN: one is not as it was. */
static enum outcome compare(const struct look *look, const struct zone_change *changes, size_t n, struct arena *arena,
                            struct zone_change *ret, size_t *ret_n, struct answer *answer) {
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct rrset served = powerdns_served(&look->zone, changes[i].to.name, changes[i].to.type, arena);
        if (rrset_same(&served, &changes[i].to)) continue;
        if (!rrset_same(&served, &changes[i].was))
            return answer_set(answer, OUTCOME_UNKNOWN, "%.*s %s was changed by somebody else meanwhile",
                              STR_ARG(changes[i].to.name), changes[i].to.type);
        ret[(*ret_n)++] = changes[i];
    }
    return OUTCOME_DONE;
}

static enum outcome end_write(const struct powerdns_reply *reply, struct answer *answer) {
    enum outcome outcome = powerdns_unclear(reply, answer);
    if (reply->result != WEB_ANSWERED) answer->retry_after_ms = PEACE_MS;
    return outcome;
}

/*
 * Whoever asked for the zone before it was there was refused, and PowerDNS keeps that answer for some seconds. A change
 * makes it forget what it kept; making a zone does not. When this fails the zone is there all the same.
 */
static void forget_refusals(struct job *job) {
    struct powerdns_reply reply;
    call(job, "PUT", arena_printf(job->arena, "/cache/flush?domain=%.*s.", STR_ARG(job->zone)), STR(""), &reply);
}

/* *RET_AGAIN: it is another zone than was looked at. */
static enum outcome write_changes(struct job *job, const struct look *look, const struct zone_change *changes, size_t n,
                                  bool *ret_again, struct answer *answer) {
    bool is_half_made = !look->is_missing && !powerdns_find(&look->zone, job->zone, "SOA");
    *ret_again = false;
    if (!n && !look->is_missing && !is_half_made) return OUTCOME_DONE;
    if (is_half_made && !powerdns_stays_half_made(job->p, job->zone))
        return answer_set(answer, OUTCOME_UNKNOWN, "PowerDNS has the zone %.*s only by halves; it is looked at again",
                          STR_ARG(job->zone));
    struct str path = look->is_missing ? STR("/zones") : arena_printf(job->arena, "/zones/%.*s.", STR_ARG(job->zone));
    struct buf body;
    buf_init(&body, POWERDNS_BODY_MAX_BYTES);
    if (look->is_missing)
        powerdns_zone_body(job->p, job->zone, changes, n, job->arena, &body);
    else
        powerdns_change_body(job->p, job->zone, &look->zone, is_half_made, changes, n, job->arena, &body);
    bool fits = buf_ok(&body);
    struct powerdns_reply reply = {0};
    if (fits) call(job, look->is_missing ? "POST" : "PATCH", path, buf_str(&body), &reply);
    buf_finish(&body);
    if (!fits)
        return answer_set(answer, OUTCOME_UNKNOWN, "the records of %.*s are more than dfyd sends", STR_ARG(job->zone));
    if (reply.result == WEB_ANSWERED && reply.status == (look->is_missing ? 201 : 204)) {
        if (look->is_missing) forget_refusals(job);
        return OUTCOME_DONE;
    }
    *ret_again = reply.result == WEB_ANSWERED && reply.status == (look->is_missing ? 409 : 404);
    return end_write(&reply, answer);
}

/* Looks, compares and writes. Nobody else in this process writes meanwhile. */
static enum outcome look_and_write(struct job *job, const struct zone_change *changes, size_t n,
                                   struct answer *answer) {
    struct rrset *sets = ARENA_ARRAY(job->arena, n + 1, struct rrset);
    struct zone_change *open = ARENA_ARRAY(job->arena, n + 1, struct zone_change);
    enum outcome outcome = OUTCOME_UNKNOWN;
    bool again = true;
    for (size_t i = 0; i < n; i++) sets[i] = changes[i].to;
    for (int i = 0; i < TRIES && again; i++) {
        struct look found = {0};
        size_t n_open = 0;
        outcome = look(job, sets, n, &found, answer);
        if (outcome == OUTCOME_DONE && !found.is_missing && !is_ours(&found))
            return refuse_foreign(&found, job->zone, answer);
        if (outcome == OUTCOME_DONE) outcome = compare(&found, changes, n, job->arena, open, &n_open, answer);
        if (outcome != OUTCOME_DONE) return outcome;
        outcome = write_changes(job, &found, open, n_open, &again, answer);
    }
    return outcome;
}

/* One at a time. False: the others took all the time that there was. */
static bool begin_change(struct powerdns *p) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until); /* what pthread_mutex_timedlock goes by */
    until.tv_sec += BUDGET_MS / 1000;
    return pthread_mutex_timedlock(&p->changing, &until) == 0;
}

static enum outcome change(struct dns *d, struct str zone, const struct zone_change *changes, size_t n,
                           struct answer *answer) {
    struct powerdns *p = powerdns_of(d);
    for (size_t i = 0; i < n; i++)
        if (!zone_has_name(zone, changes[i].to.name))
            return answer_set(answer, OUTCOME_UNKNOWN, "%.*s is not in the zone", STR_ARG(changes[i].to.name));
    if (!begin_change(p))
        return answer_set(answer, OUTCOME_UNKNOWN, "PowerDNS is slow, and other zones are before this one");
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    struct job job = {p, zone, arena, clock_steady_ms() + BUDGET_MS};
    enum outcome outcome = look_and_write(&job, changes, n, answer);
    pthread_mutex_unlock(&p->changing);
    return outcome;
}

/* ---- the driver ---- */

static const struct str *nameservers(struct dns *d, size_t *ret_n) {
    *ret_n = powerdns_of(d)->n_nameservers;
    return powerdns_of(d)->nameservers;
}

const char *powerdns_config_fault(const struct powerdns_config *config) {
    struct str url = str_of(config->url), key = str_of(config->key);
    if (target_url_fault(url)) return "powerdns_url must be a URL, such as http://127.0.0.1:8081";
    if (!target_url_keeps_secrets(url))
        return "powerdns_url must begin with https://, or the key could be read on the way; plain http goes to this "
               "machine or network only";
    if (!key.n) return "the key of its API is missing: say powerdns_key_file, or DFYD_POWERDNS_KEY";
    for (size_t i = 0; i < key.n; i++)
        if (key.n > KEY_MAX_BYTES || key.p[i] <= ' ' || key.p[i] > '~')
            return "the key of its API must be one word of printable characters, at most 512";
    return nameservers_fault(config->nameservers);
}

static void destroy(struct dns *d) {
    struct powerdns *p = powerdns_of(d);
    web_destroy(p->web);
    pthread_mutex_destroy(&p->changing);
    pthread_mutex_destroy(&p->mutex);
    sodium_memzero(p->key, strlen(p->key));
    free(p->key);
    free(p->url);
    arena_destroy(p->arena);
    free(p);
}

static char *copy(const char *text) {
    char *to = strdup(text);
    if (!to) abort();
    return to;
}

struct dns *dns_powerdns_create(const struct powerdns_config *config) {
    static const struct dns_ops ops = {
        .name = "powerdns",
        .nameservers = nameservers,
        .fetch = fetch,
        .change = change,
        .destroy = destroy,
    };
    struct powerdns *p = calloc(1, sizeof *p);
    if (!p) abort();
    *p = (struct powerdns){
        .base = {.ops = &ops},
        .web = web_create(),
        .timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS,
        .url = copy(config->url),
        .key = copy(config->key),
        .arena = arena_create(1024),
    };
    pthread_mutex_init(&p->changing, NULL);
    pthread_mutex_init(&p->mutex, NULL);
    nameservers_read(config->nameservers, p->arena, &p->nameservers, &p->n_nameservers);
    return &p->base;
}
