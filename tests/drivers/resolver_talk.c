/*
 * resolver-talk: the resolver driver `stub` alone, for tests; asked by resolver_talk.py. TALK_HOST, TALK_PORT,
 * TALK_RESOLV_CONF and TALK_TRY_MS are its settings. A line "NAME TYPE TIMES" of standard input asks so many times,
 * each in a thread of its own, and is answered by a line for each, whose values are hexadecimal:
 *
 *     {"outcome": "done", "reason": "", "name": "a.test", "type": "MX", "ttl": 300, "data": ["3130206d782e"]}
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>
#include <yyjson.h>

#include "driver/resolver/stub.h"

enum { TIMES_MAX = 64, WORD = 1200 };

struct talk {
    struct resolver *resolver;
    struct str name;
    const char *type;
    char *said;
};

static const char *setting(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static void say_set(yyjson_mut_doc *doc, yyjson_mut_val *said, const struct rrset *set, struct arena *arena) {
    yyjson_mut_obj_add_strncpy(doc, said, "name", set->name.p, set->name.n);
    yyjson_mut_obj_add_strcpy(doc, said, "type", set->type);
    yyjson_mut_obj_add_int(doc, said, "ttl", set->ttl);
    yyjson_mut_val *values = yyjson_mut_obj_add_arr(doc, said, "data");
    for (size_t i = 0; i < set->n_data; i++) {
        struct str value = set->data[i];
        char *hex = arena_alloc(arena, 2 * value.n + 1);
        sodium_bin2hex(hex, 2 * value.n + 1, (const unsigned char *)value.p, value.n);
        yyjson_mut_arr_add_strcpy(doc, values, hex);
    }
}

static void *ask(void *arg) {
    static const char *const words[] = {"done", "refused", "unknown"};
    struct talk *talk = arg;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *said = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, said);
    struct rrset set;
    struct answer answer;
    enum outcome outcome = resolver_ask(talk->resolver, talk->name, talk->type, arena, &set, &answer);
    yyjson_mut_obj_add_str(doc, said, "outcome", words[outcome]);
    yyjson_mut_obj_add_strcpy(doc, said, "reason", outcome == OUTCOME_DONE ? "" : answer.reason);
    if (outcome == OUTCOME_DONE) say_set(doc, said, &set, arena);
    talk->said = yyjson_mut_write(doc, 0, NULL);
    yyjson_mut_doc_free(doc);
    return NULL;
}

static void ask_all(struct resolver *resolver, const char *name, const char *type, int times) {
    struct talk talks[TIMES_MAX];
    pthread_t threads[TIMES_MAX];
    int n = times < 1 ? 1 : times > TIMES_MAX ? TIMES_MAX : times;
    for (int i = 0; i < n; i++) {
        talks[i] = (struct talk){resolver, str_of(name), type, NULL};
        if (pthread_create(&threads[i], NULL, ask, &talks[i])) abort();
    }
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        puts(talks[i].said ? talks[i].said : "{}");
        free(talks[i].said);
    }
    fflush(stdout);
}

int main(void) {
    char line[2 * WORD + 32], name[WORD], type[WORD], times[16];
    const char *port = setting("TALK_PORT"), *try_ms = setting("TALK_TRY_MS");
    const struct stub_config config = {
        .host = setting("TALK_HOST"),
        .port = (uint16_t)(port ? strtol(port, NULL, 10) : 0),
        .resolv_conf = setting("TALK_RESOLV_CONF"),
        .try_ms = try_ms ? strtoll(try_ms, NULL, 10) : 0,
    };
    struct resolver *resolver;
    struct error error;
    if (sodium_init() < 0) return 1;
    if (!resolver_stub_open(&config, &resolver, &error)) {
        puts(error.message);
        return 2;
    }
    while (fgets(line, sizeof line, stdin))
        if (sscanf(line, "%1199s %1199s %15s", name, type, times) == 3)
            ask_all(resolver, name, type, (int)strtol(times, NULL, 10));
    resolver_destroy(resolver);
    return 0;
}
