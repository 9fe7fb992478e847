#include "store/postgres/news.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ids.h"
#include "store/engine.h"
#include "store/postgres/listen.h"

enum { SQL_MAX = 64 };

struct news {
    struct news_config config;
    _Atomic uint64_t generations[STORE_TOPIC_END];
    char sql[STORE_TOPIC_END][SQL_MAX];
    struct listener *listener; /* NULL with `single` */
    pthread_mutex_t mutex;     /* held while fn runs */
    void (*fn)(void *arg);
    void *fn_arg;
};

static void bump(struct news *news, enum store_topic topic) {
    atomic_fetch_add(&news->generations[topic], 1);
}

static void hear_news(void *arg) {
    struct news *news = arg;
    bump(news, STORE_ANYTHING);
    pthread_mutex_lock(&news->mutex);
    if (news->fn) news->fn(news->fn_arg);
    pthread_mutex_unlock(&news->mutex);
}

static void hear_identities(void *arg) {
    struct news *news = arg;
    bump(news, STORE_IDENTITIES);
}

static void pass_on(void *arg, const char *event, const char *reason, const char *next) {
    const struct news *news = arg;
    if (news->config.tell) news->config.tell(news->config.tell_arg, event, reason, next);
}

static void make_id(char ret[LISTEN_ID]) {
    uint64_t number;
    struct rng rng = rng_system();
    rng_fill(&rng, &number, sizeof number);
    snprintf(ret, LISTEN_ID, "%016llx", (unsigned long long)number);
}

bool news_start(const struct news_config *config, struct news **ret, struct error *reterr) {
    struct news *news = store_alloc(1, sizeof *news);
    news->config = *config;
    news->config.url = NULL;
    pthread_mutex_init(&news->mutex, NULL);
    struct listener_config listener = {
        .url = config->url, .news = hear_news, .identities = hear_identities, .tell = pass_on, .arg = news};
    make_id(listener.id);
    static const enum listen_word words[] = {
        [STORE_ANYTHING] = LISTEN_NEWS,
        [STORE_IDENTITIES] = LISTEN_IDENTITIES,
    };
    _Static_assert(ARRAY_LEN(words) == STORE_TOPIC_END, "a word for each topic");
    for (size_t i = 0; i < STORE_TOPIC_END; i++) {
        atomic_init(&news->generations[i], 1);
        snprintf(news->sql[i], SQL_MAX, "NOTIFY " LISTEN_CHANNEL ", '%c%s'", (char)words[i], listener.id);
    }
    if (!config->single && !listener_start(&listener, &news->listener, reterr)) {
        news->listener = NULL;
        news_stop(news);
        return false;
    }
    *ret = news;
    return true;
}

void news_stop(struct news *news) {
    if (!news) return;
    listener_stop(news->listener);
    pthread_mutex_destroy(&news->mutex);
    free(news);
}

void news_committed(struct news *news, bool identities) {
    if (identities) bump(news, STORE_IDENTITIES);
    bump(news, STORE_ANYTHING);
    if (news->listener) listener_say(news->listener);
}

uint64_t news_generation(const struct news *news, enum store_topic topic) {
    return atomic_load(&news->generations[topic]);
}

void news_on(struct news *news, void (*fn)(void *arg), void *arg) {
    pthread_mutex_lock(&news->mutex);
    news->fn = fn;
    news->fn_arg = arg;
    pthread_mutex_unlock(&news->mutex);
}

const char *news_sql(const struct news *news, bool identities) {
    return news->sql[identities ? STORE_IDENTITIES : STORE_ANYTHING];
}
