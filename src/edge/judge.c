#include "edge/judge.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "core/target.h"
#include "edge/book.h"
#include "edge/reach.h"

enum {
    AGAIN_MS = 30 * 1000,
    OPEN_AGAIN_MS = 5 * 1000,     /* while the resolver is silent, at most */
    GOOD_FOR_MS = 60 * 60 * 1000, /* while the resolver is silent */
    UNUSED_MS = 60 * 60 * 1000,   /* until it is forgotten */
    REACH_MS = 1500,
    ADDRESSES_MAX = REACH_MAX / 2, /* of one name; each is tried at both ports */
    ASKING_MAX = 64,               /* names at once; the http workers are fewer */
    WAITING_MAX = 4,               /* threads that wait for another one's question */
    WAIT_S = 3,
};

/* As it stands in the book. */
struct record {
    struct verdict verdict;
    int64_t again_ms, judged_ms; /* clock_steady_ms */
};

_Static_assert(sizeof(struct record) <= BOOK_TEXT_MAX, "it is a value of the book");

struct judge {
    struct judge_config config;
    struct book *book;
    pthread_mutex_t mutex; /* for writing to the book, and the rest */
    pthread_cond_t judged;
    struct str asking[ASKING_MAX]; /* borrowed from those who ask */
    unsigned waiting;
};

struct judge *judge_create(const struct judge_config *config) {
    struct judge *judge = calloc(1, sizeof *judge);
    if (!judge) abort();
    judge->config = *config;
    if (!judge->config.again_ms) judge->config.again_ms = AGAIN_MS;
    judge->book = book_create();
    pthread_mutex_init(&judge->mutex, NULL);
    pthread_cond_init(&judge->judged, NULL);
    return judge;
}

void judge_destroy(struct judge *judge) {
    if (!judge) return;
    book_destroy(judge->book);
    pthread_cond_destroy(&judge->judged);
    pthread_mutex_destroy(&judge->mutex);
    free(judge);
}

/* ---- what is known ---- */

static bool read_record(struct judge *judge, struct str host, struct record *ret) {
    book_begin(judge->book);
    const struct book_entry *entry = book_find(judge->book, host);
    if (entry) memcpy(ret, book_value(entry).p, sizeof *ret);
    book_end(judge->book);
    return entry != NULL;
}

bool judge_known(struct judge *judge, struct str host, struct verdict *ret) {
    struct record record;
    if (!read_record(judge, host, &record) || record.again_ms <= clock_steady_ms()) return false;
    *ret = record.verdict;
    return true;
}

/* ---- finding out ---- */

struct addresses {
    struct sockaddr_storage at[ADDRESSES_MAX];
    size_t n;
    bool is_unknown, is_private;
};

static void set_port(struct sockaddr_storage *to, uint16_t port) {
    if (to->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)to)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)to)->sin_port = htons(port);
}

static bool read_address(int family, const char *text, struct sockaddr_storage *ret, bool *ret_public) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    *ret = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    if (family == AF_INET) {
        if (inet_pton(AF_INET, text, &v4.sin_addr) != 1) return false;
        *ret_public = target_address_is_public((const unsigned char *)&v4.sin_addr, sizeof v4.sin_addr);
        memcpy(ret, &v4, sizeof v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1) return false;
    *ret_public = target_address_is_public((const unsigned char *)&v6.sin6_addr, sizeof v6.sin6_addr);
    memcpy(ret, &v6, sizeof v6);
    return true;
}

static void resolve(struct judge *judge, struct str host, int family, struct arena *arena, struct addresses *to) {
    struct rrset found = {.n_data = 0};
    const char *type = family == AF_INET ? "A" : "AAAA";
    if (resolver_ask(judge->config.resolver, host, type, arena, &found, NULL) != OUTCOME_DONE) to->is_unknown = true;
    for (size_t i = 0; i < found.n_data; i++) {
        struct sockaddr_storage address;
        bool is_public = false;
        if (!read_address(family, arena_cstr(arena, found.data[i]), &address, &is_public)) continue;
        if (!is_public && !judge->config.allows_private) to->is_private = true;
        if (to->n < ADDRESSES_MAX) to->at[to->n++] = address;
    }
}

static void write_address(const struct sockaddr_storage *at, uint16_t port, char *ret, size_t size) {
    char text[INET6_ADDRSTRLEN] = "";
    bool is_v6 = at->ss_family == AF_INET6;
    const void *bytes = is_v6 ? (const void *)&((const struct sockaddr_in6 *)at)->sin6_addr
                              : (const void *)&((const struct sockaddr_in *)at)->sin_addr;
    inet_ntop(at->ss_family, bytes, text, sizeof text);
    snprintf(ret, size, "%s%s%s:%u", is_v6 ? "[" : "", text, is_v6 ? "]" : "", (unsigned)port);
}

/* The first address that takes connections for https, else for http; else the first one. */
static struct verdict choose(const struct judge *judge, const struct addresses *addresses) {
    struct reach tries[REACH_MAX] = {0};
    size_t n = addresses->n, best = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        tries[i].to = addresses->at[i % n];
        set_port(&tries[i].to, i < n ? judge->config.https_port : judge->config.http_port);
    }
    reach_try(tries, 2 * n, n, REACH_MS);
    while (best < 2 * n && !tries[best].is_open) best++;
    if (best == 2 * n) best = 0;
    struct verdict verdict = {.state = VERDICT_GOOD, .is_https = best < n};
    write_address(&addresses->at[best % n], verdict.is_https ? judge->config.https_port : judge->config.http_port,
                  verdict.address, sizeof verdict.address);
    return verdict;
}

static struct verdict find_out(struct judge *judge, struct str host, struct arena *arena) {
    struct addresses addresses = {.n = 0};
    if (!judge->config.allows_private && target_host_is_private(host))
        return (struct verdict){.state = VERDICT_PRIVATE};
    resolve(judge, host, AF_INET, arena, &addresses);
    if (!addresses.is_private) resolve(judge, host, AF_INET6, arena, &addresses);
    if (addresses.is_private) return (struct verdict){.state = VERDICT_PRIVATE};
    if (addresses.n) return choose(judge, &addresses);
    return (struct verdict){.state = addresses.is_unknown ? VERDICT_OPEN : VERDICT_NO_ADDRESS};
}

static struct verdict settle(const struct judge *judge, const struct record *before, bool is_known,
                             struct verdict found, struct record *ret) {
    int64_t now = clock_steady_ms();
    bool is_open = found.state == VERDICT_OPEN;
    int64_t again_ms = judge->config.again_ms;
    if (is_open && again_ms > OPEN_AGAIN_MS) again_ms = OPEN_AGAIN_MS;
    *ret = (struct record){found, now + again_ms, now};
    /* Its address was judged; that the resolver is silent now changes nothing about it. */
    if (is_open && is_known && before->verdict.state == VERDICT_GOOD && now - before->judged_ms < GOOD_FOR_MS) {
        ret->verdict = before->verdict;
        ret->judged_ms = before->judged_ms;
    }
    return ret->verdict;
}

/* A free place among those that are asked for; NULL: HOST is one of them already, or there are too many. */
static struct str *take_place(struct judge *judge, struct str host) {
    struct str *empty = NULL;
    for (size_t i = 0; i < ASKING_MAX; i++) {
        if (!judge->asking[i].n)
            empty = &judge->asking[i];
        else if (str_eq(judge->asking[i], host))
            return NULL;
    }
    return empty;
}

static void wait_for_other(struct judge *judge, struct str host, struct verdict *ret) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    judge->waiting++;
    while (!judge_known(judge, host, ret))
        if (pthread_cond_timedwait(&judge->judged, &judge->mutex, &until) != 0) break;
    judge->waiting--;
}

void judge_ask(struct judge *judge, struct str host, struct arena *arena, struct verdict *ret) {
    struct record before = {.again_ms = 0}, after;
    *ret = (struct verdict){.state = VERDICT_OPEN};
    pthread_mutex_lock(&judge->mutex);
    bool is_known = read_record(judge, host, &before);
    struct str *place = NULL;
    if (!judge_known(judge, host, ret)) {
        place = take_place(judge, host);
        if (place)
            *place = host;
        else if (is_known)
            *ret = before.verdict;
        else if (judge->waiting < WAITING_MAX)
            wait_for_other(judge, host, ret);
    }
    pthread_mutex_unlock(&judge->mutex);
    if (!place) return;
    struct verdict found = find_out(judge, host, arena);
    pthread_mutex_lock(&judge->mutex);
    *ret = settle(judge, &before, is_known, found, &after);
    book_put(judge->book, host, (struct str){(const char *)&after, sizeof after}, 0);
    *place = STR("");
    pthread_cond_broadcast(&judge->judged);
    pthread_mutex_unlock(&judge->mutex);
}

/* ---- forgetting ---- */

static void drop_unused(void *arg, const struct book_entry *entry) {
    struct judge *judge = arg;
    struct record record;
    memcpy(&record, book_value(entry).p, sizeof record);
    if (record.again_ms + UNUSED_MS < clock_steady_ms()) book_remove(judge->book, book_key(entry));
}

void judge_tidy(struct judge *judge) {
    pthread_mutex_lock(&judge->mutex);
    book_each(judge->book, drop_unused, judge);
    book_tidy(judge->book);
    pthread_mutex_unlock(&judge->mutex);
}
