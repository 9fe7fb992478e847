#include "conversation.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"

enum { LINE_MAX_BYTES = 4 << 20, THREADS_MAX = 32 };

struct crowd {
    talk_fn *talk;
    void *driver;
    yyjson_val **jobs;
    yyjson_mut_doc **docs;
    size_t n;
    atomic_size_t next;
};

static void *work(void *arg) {
    struct crowd *crowd = arg;
    for (size_t i; (i = atomic_fetch_add(&crowd->next, 1)) < crowd->n;) {
        yyjson_mut_doc *doc = crowd->docs[i] = yyjson_mut_doc_new(NULL);
        yyjson_mut_doc_set_root(doc, yyjson_mut_obj(doc));
        crowd->talk(crowd->driver, crowd->jobs[i], doc, yyjson_mut_doc_get_root(doc));
    }
    return NULL;
}

static void talk_all(talk_fn *talk, void *driver, yyjson_val *asked, yyjson_mut_doc *doc, yyjson_mut_val *said) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    yyjson_val *list = yyjson_obj_get(asked, "jobs"), *one;
    int wanted = yyjson_get_int(yyjson_obj_get(asked, "threads"));
    size_t n_threads = wanted < 1 ? 1 : wanted > THREADS_MAX ? THREADS_MAX : (size_t)wanted;
    pthread_t threads[THREADS_MAX];
    struct crowd crowd = {.talk = talk, .driver = driver, .n = yyjson_arr_size(list)};
    crowd.jobs = ARENA_ARRAY(arena, crowd.n + 1, yyjson_val *);
    crowd.docs = ARENA_ARRAY(arena, crowd.n + 1, yyjson_mut_doc *);
    size_t i, n;
    yyjson_arr_foreach(list, i, n, one) {
        crowd.jobs[i] = one;
    }
    const int64_t since_ms = clock_steady_ms();
    for (i = 0; i < n_threads; i++)
        if (pthread_create(&threads[i], NULL, work, &crowd)) abort();
    for (i = 0; i < n_threads; i++) pthread_join(threads[i], NULL);
    yyjson_mut_obj_add_sint(doc, said, "took_ms", clock_steady_ms() - since_ms);
    yyjson_mut_val *answers = yyjson_mut_obj_add_arr(doc, said, "answers");
    for (i = 0; i < crowd.n; i++) {
        yyjson_mut_arr_append(answers, yyjson_mut_val_mut_copy(doc, yyjson_mut_doc_get_root(crowd.docs[i])));
        yyjson_mut_doc_free(crowd.docs[i]);
    }
}

static void answer_line(talk_fn *talk, void *driver, const char *line) {
    yyjson_doc *doc = yyjson_read(line, strlen(line), 0);
    yyjson_val *asked = yyjson_doc_get_root(doc);
    yyjson_mut_doc *said = yyjson_mut_doc_new(NULL);
    yyjson_mut_doc_set_root(said, yyjson_mut_obj(said));
    if (yyjson_equals_str(yyjson_obj_get(asked, "do"), "all"))
        talk_all(talk, driver, asked, said, yyjson_mut_doc_get_root(said));
    else
        talk(driver, asked, said, yyjson_mut_doc_get_root(said));
    char *out = yyjson_mut_write(said, 0, NULL);
    puts(out ? out : "{}");
    fflush(stdout);
    free(out);
    yyjson_mut_doc_free(said);
    yyjson_doc_free(doc);
}

void converse(talk_fn *talk, void *driver) {
    static char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, stdin)) answer_line(talk, driver, line);
}
